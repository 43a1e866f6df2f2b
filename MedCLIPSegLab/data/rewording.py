"""Prompts as people type them: short, without place, over-described, by synonyms, with wrong words of size."""

from __future__ import annotations

import re

import numpy as np

from MedCLIPSegLogic.knowledge.places import PLACES

from . import prompt_words
from .wordings import wordings

SYNONYM_SHARE = 0.4
"""Share of short prompts whose noun is replaced."""
UNKNOWN_WORD_SHARE = 0.25
"""Share of short prompts in which unknown words stand around the thing: only the thing decides."""
_SYLLABLE = ("bcdfglmnprstvz", "aeiou", ("", "", "n", "r", "s", "x"))
_IN_CLAUSE = re.compile(r"^(?P<thing>[^,:]+?),?\s+(?P<place>(?:located\s+)?in the [^,:]+?)\.?$", re.IGNORECASE)


def thing(text: str) -> str:
    """What a prompt asks for, in the singular: "one small polyp at the left" asks for a "polyp"."""
    target = prompt_words.named_target(text)
    if target is None:
        return prompt_words.drop_size(prompt_words.drop_location(text)).rstrip(" .") or text
    return re.sub(r"(?<![su])s$", "", re.sub(r"(?<=mass)es$", "", target))


def bare_thing(text: str) -> str:
    """What a prompt asks for without its kind, but with the part that is meant: "benign tumor" is a "tumor"."""
    return prompt_words.without_kind(thing(text))


def short(text: str, rng: np.random.Generator) -> str:
    """The thing alone in a short template; a kind such as "benign" may go unsaid, but not the part that is meant."""
    target = thing(text)
    *kinds, noun = target.split()
    if kinds and rng.random() < 0.4:
        target = " ".join([*(kind for kind in kinds if kind in prompt_words.PART_WORDS), noun])
    if rng.random() < SYNONYM_SHARE:
        target = replace_noun(target, rng)
    organ = prompt_words.named_image(text)
    template = str(rng.choice(wordings().short))
    if rng.random() < UNKNOWN_WORD_SHARE:
        template = _with_unknown_words(str(rng.choice(wordings().around)), rng)
    phrase = fill(template, target)
    if organ and rng.random() < 0.4 and not re.search(r"\?|image|here", phrase):
        phrase = f"{phrase} in the {organ}"
    return phrase[0].upper() + phrase[1:] if rng.random() < 0.4 else phrase


def unknown_word(rng: np.random.Generator) -> str:
    """A word without meaning, of one to four syllables."""
    syllables = [
        str(rng.choice(list(_SYLLABLE[0]))) + str(rng.choice(list(_SYLLABLE[1]))) + str(rng.choice(_SYLLABLE[2]))
        for _ in range(int(rng.integers(1, 5)))
    ]
    return "".join(syllables)


def _with_unknown_words(template: str, rng: np.random.Generator) -> str:
    return re.sub(r"\{word\}", lambda match: unknown_word(rng), template)


def unknown_thing(rng: np.random.Generator) -> str:
    """One or two words without meaning."""
    return " ".join(unknown_word(rng) for _ in range(int(rng.integers(1, 3))))


def absence(text: str, rng: np.random.Generator) -> str:
    """Another way to say that the thing a prompt denies is not there."""
    return fill(str(rng.choice(wordings().absence)), prompt_words.named_target(text) or "lesion")


def overdescribe(text: str, rng: np.random.Generator) -> str:
    """The prompt with words around it that say nothing about this picture."""
    template = str(rng.choice(wordings().overdescriptive))
    bare = text.rstrip(" .")
    if not template.startswith("{prompt}"):
        bare = bare[:1].lower() + bare[1:]
    return _with_unknown_words(template, rng).format(prompt=bare) + "."


def contradict(text: str, rng: np.random.Generator) -> str:
    """The prompt inside a denial, half of the time with a wrong place, or a denial of the thing alone."""
    bare = text.rstrip(" .")
    if rng.random() < 0.5:
        bare = f"{randomize_size(prompt_words.drop_location(bare), rng)} at the {_place(rng)}"
    template = _with_unknown_words(str(rng.choice(wordings().contradictory)), rng)
    if not template.startswith("{prompt}"):
        bare = bare[:1].lower() + bare[1:]
    return fill(template, thing(text)).replace("{prompt}", bare)


def replace_noun(text: str, rng: np.random.Generator) -> str:
    """The prompt with its first noun that has synonyms replaced by one of them, number kept."""
    nouns = wordings().synonyms
    match = re.search(rf"\b(?:skin |colon )?({'|'.join(nouns)})(s|es)?\b", text, re.IGNORECASE)
    if match is None:
        return text
    word = str(rng.choice(nouns[match.group(1).lower()]))
    if match.group(2):
        word = word[:-1] + "ies" if word.endswith("y") else word + ("es" if word.endswith("s") else "s")
    return text[: match.start()] + word + text[match.end() :]


def with_synonym(text: str, number: int) -> str:
    """The prompt with its first noun replaced by another of its synonyms, by turns; the same text when it has none."""
    changes = [replace_noun(text, np.random.default_rng(seed)) for seed in range(24)]
    others = sorted({changed for changed in changes if changed != text})
    return others[number % len(others)] if others else text


def reorder(text: str) -> str:
    """The same words in another order: "tumor in the brain" becomes "in the brain, tumor"."""
    match = _IN_CLAUSE.match(text)
    if match is None:
        return text
    place, what = match["place"], match["thing"]
    return f"{place[0].upper()}{place[1:]}, {what[0].lower()}{what[1:]}"


def randomize_size(text: str, rng: np.random.Generator) -> str:
    """The prompt with its word of size replaced by a random one, or with one before the thing."""
    word = str(rng.choice(wordings().sizes))
    changed, count = prompt_words.SIZE.subn(
        lambda match: word.capitalize() if match[0][0].isupper() else word, text, count=1
    )
    if count:
        return changed
    target = prompt_words.named_target(text)
    return text if target is None else re.sub(re.escape(target), f"{word} {target}", text, count=1, flags=re.IGNORECASE)


def randomize_place(text: str, rng: np.random.Generator) -> str:
    """The prompt with its words of place replaced by random ones, or with some after the thing."""
    changed, count = PLACES.subn(lambda match: _place(rng), text)
    if count:
        return changed
    target = prompt_words.named_target(text)
    place = f"in the {_place(rng)} of the image"
    return text if target is None else re.sub(re.escape(target), rf"\g<0> {place}", text, count=1, flags=re.IGNORECASE)


def _place(rng: np.random.Generator) -> str:
    return str(rng.choice(wordings().places))


def fill(template: str, target: str) -> str:
    """A template with the thing in it, and "an" where it must stand."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", template.replace("{target}", target))
