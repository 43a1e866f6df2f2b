"""What a prompt asks, and whether the model knows its words on this kind of image."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from .known import Knowledge
from .places import without_place
from .reading import Reading, read
from .rewriting import Rewriting, rewritings
from .terms import terms
from .vocabulary import Mention, Vocabulary, vocabulary

MOST_SUGGESTIONS = 6


@dataclass(frozen=True)
class Understanding:
    """A prompt, understood or not.

    Args:
        prompt: as typed.
        asked: what the model is asked: the prompt; of a denial, the thing without it; where a person allowed it, the
            model's own words.
        thing: the known thing it names; None for none.
        denies: it says that the thing is not there ("no tumor"), and so asks whether it is.
        is_understood: the model knows the thing, on this kind of image or on another.
        unknown: words that the model does not know on this kind of image: never or hardly trained, or measured as not
            understood. Those for which a prompt is not understood come first.
        known_on: kinds of image on which the thing is known, where the present kind is not among them.
        without_place: what is asked, without its words of place; the same as ``asked`` when it has none.
        suggestions: prompts in known words that fit this kind of image, the nearest first.
        presence_question: of a denial, what it denies ("tumor"), to be looked for; else empty.
    """

    prompt: str
    asked: str
    thing: str | None
    denies: bool = False
    is_understood: bool = True
    unknown: tuple[str, ...] = ()
    known_on: tuple[str, ...] = ()
    without_place: str = ""
    suggestions: tuple[str, ...] = ()
    presence_question: str = ""


def understand(prompt: str, knowledge: Knowledge, kind: str | None, own_words: bool = False) -> Understanding:
    """Read a prompt in the light of what a model knows.

    A prompt is understood if it names a thing in a wording that was measured as understood on this kind of image, and
    no part of the body that the model does not know beside it. Other unknown words are only reported.

    Args:
        prompt: as typed.
        knowledge: of the model.
        kind: of the image; None where nobody can tell: all kinds count.
        own_words: ask a prompt that is not understood in words the model knows, if some mean the same.
    """
    words = vocabulary(knowledge, kind)
    reading = read(prompt, words)
    if not reading.denies:
        return _understand(reading, words, own_words)
    question = _main_finding(reading, words) if reading.denies_all else reading.positive()
    found = _understand(read(question, words), words, own_words, denied=True)
    return dataclasses.replace(found, prompt=prompt, denies=True, presence_question=question)


def _main_finding(reading: Reading, words: Vocabulary) -> str:
    """The finding that is not there where all is well, on the kinds of image that show the parts a text names."""
    named = {each.name for each in reading.parts}
    kinds = [vocabulary(words.knowledge, kind) for kind in words.kinds]
    fitting = [each for each in kinds if named <= {part.name for part in read(reading.text, each).parts}]
    return next((finding for each in (*fitting, words) for finding in each.findings), "")


def _understand(reading: Reading, words: Vocabulary, own_words: bool, denied: bool = False) -> Understanding:
    """As :func:`understand` for a text that denies nothing; of a denial, plurals are asked in the singular."""
    blocking = _blocking(reading, words)
    strange = [reading.text[word.start : word.end] for word in (reading.words[n] for n in reading.strange)]
    bad = [reading.typed(each) for each in reading.affirmed if _is_unknown(each, words)]
    unknown = tuple(dict.fromkeys([*blocking, *bad, *strange]))
    known = _thing(reading)
    base = Understanding(reading.text, reading.text, known and known[0], unknown=unknown)
    if known and not blocking:
        if known[1]:
            return _asked(dataclasses.replace(base, known_on=known[1], suggestions=_things(words)), reading.text)
        return _asked(base, reading.text)
    suggested = [each for each in rewritings(reading, words) if _is_good(each.text, words)]
    texts = [each.text for each in suggested]
    suggestions = tuple(dict.fromkeys([*texts, *_things(words)]))[:MOST_SUGGESTIONS]
    base = dataclasses.replace(base, thing=None, is_understood=False, suggestions=suggestions)
    allowed = next((each for each in suggested if _may_be_asked(each, own_words, denied)), None)
    if allowed is None:
        return _asked(base, reading.text)
    thing = _thing(read(allowed.text, words))
    return _asked(dataclasses.replace(base, thing=thing and thing[0], is_understood=True), allowed.text)


def _asked(found: Understanding, text: str) -> Understanding:
    return dataclasses.replace(found, asked=text, without_place=without_place(text))


def _blocking(reading: Reading, words: Vocabulary) -> list[str]:
    """Words for which a prompt is not understood, as typed; empty where it is or where nothing is named at all."""
    wrong = [reading.typed(each) for each in reading.foreign]
    if wrong or any(each.status == "understood" for each in reading.asked_for):
        return wrong
    # A kind of a thing that is known here as well, such as a glioma where tumors are, may be what is to be seen.
    if any(
        each.status == "elsewhere" and each.name not in terms().broad and each.thing not in words.understood.values()
        for each in reading.asked_for
    ):
        return []
    return [reading.typed(each) for each in reading.asked_for]


def _is_unknown(mention: Mention, words: Vocabulary) -> bool:
    is_term = mention.status in ("part", "finding") and not words.is_trained(mention.name)
    return is_term or mention.status == "not-understood"


def _thing(reading: Reading) -> tuple[str, tuple[str, ...]] | None:
    """The thing a prompt asks for, and the kinds of image on which it is known if this is none of them."""
    for status in ("understood", "elsewhere"):
        for each in reading.asked_for:
            if each.status == status:
                return each.thing, each.kinds if status == "elsewhere" else ()
    return None


def _is_good(text: str, words: Vocabulary) -> bool:
    """A prompt that is understood on this kind of image."""
    reading = read(text, words)
    known = _thing(reading)
    return known is not None and not known[1] and not _blocking(reading, words)


def _may_be_asked(each: Rewriting, own_words: bool, denied: bool) -> bool:
    return (own_words and each.same) or (denied and each.number)


def _things(words: Vocabulary) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.understood.values()))
