"""Names of things: which of them mean the same, and which are to be tried on a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from MedCLIPSegLogic.knowledge.known import MOST_LETTERS
from MedCLIPSegLogic.knowledge.spelling import number_variants, plural
from MedCLIPSegLogic.knowledge.terms import terms

from ..data.prompt_words import PART_WORDS, without_kind
from ..data.rewording import bare_thing, unknown_word
from ..data.wordings import wordings

MOST_NAMES = 12
"""Longer names of a thing from its prompts ("glioma tumor") that are tried."""
LEAST_PROMPTS = 3
"""Prompts that must hold such a name."""
UNRELATED = 4
"""Words without meaning, and as many things of other parts of the body, that are tried."""


def same_things(names: Mapping[str, int]) -> list[list[str]]:
    """Names that training prompts have for the things of a kind of image, grouped by what they mean.

    Args:
        names: without their kinds, and how many images each was asked for on.

    Returns:
        Groups, the most frequent name of each first. Parts of an organ stay apart.
    """
    groups: list[list[str]] = []
    for name in sorted(names, key=lambda each: -names[each]):
        group = next((group for group in groups if any(_mean_the_same(name, other) for other in group)), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return groups


def trained_names(group: Sequence[str], longer: Mapping[str, Counter[str]]) -> list[str]:
    """The names prompts have for a thing, with and without kinds; terms that others are named by come first.

    Args:
        group: its names without kinds, the most frequent first.
        longer: names with kinds by those without, and how often prompts have them.
    """
    found = sum((longer[name] for name in group), Counter[str]())
    with_kinds = [name for name, count in found.most_common(MOST_NAMES) if count >= LEAST_PROMPTS]
    first = {term_group.names[0] for term_group in terms().groups}
    return sorted(dict.fromkeys([*group, *with_kinds]), key=lambda name: name not in first)


def names_to_try(trained: Sequence[str]) -> list[str]:
    """Names for one thing: those of its prompts, synonyms and diagnoses, each in singular and plural."""
    names = list(trained)
    for name in trained:
        parts, noun = _parts_and_noun(name)
        names += [" ".join([*parts, other]) for other in sorted(synonyms(noun))]
        diagnosis = " ".join(noun.split()[:-1])
        names += [diagnosis] if terms().is_part.get(diagnosis) is False else []
    forms = dict.fromkeys(form for name in names for form in (name, other_number(name)))
    return [form for form in forms if len(form) <= MOST_LETTERS]


def unrelated_names(anatomy: Collection[str]) -> list[str]:
    """Words without meaning, and things that images of these parts of the body cannot show."""
    rng = np.random.default_rng(0)
    elsewhere = wordings().things_elsewhere(anatomy, held_out=True)
    step = max(1, len(elsewhere) // UNRELATED)
    return [*(unknown_word(rng) for _ in range(UNRELATED)), *elsewhere[::step][:UNRELATED]]


def other_number(name: str) -> str:
    """The plural of a name in the singular, and the other way round."""
    singulars = [] if name.endswith("is") else [one for one in number_variants(name) if plural(one) == name]
    return next((one for one in singulars if one in terms().is_part), [*singulars, plural(name)][0])


def trained_synonyms(noun: str) -> frozenset[str]:
    """Words that training puts in the place of a noun."""
    given = {bare_thing(word): words for word, words in wordings().synonyms.items()}
    return frozenset(given.get(noun, ())) - {noun}


def synonyms(noun: str) -> frozenset[str]:
    """Other names for a finding or a part of the body.

    They mean the same; findings may also have narrower names, and those so broad that they may mean any finding. Of a
    broad one only others as broad are names: "glioma" is none for any tumor.
    """
    found = set(trained_synonyms(noun))
    for group in terms().groups:
        if noun in group.names:
            found |= {*group.names} if group.part or noun in terms().broad else {*group.names, *group.narrower}
    if terms().is_part.get(noun) is False:
        found |= terms().broad
    return frozenset(found - {noun})


def _mean_the_same(first: str, second: str) -> bool:
    (parts, noun), (other_parts, other) = _parts_and_noun(first), _parts_and_noun(second)
    return parts == other_parts and (noun in _bare_synonyms(other) or other in _bare_synonyms(noun))


def _bare_synonyms(noun: str) -> frozenset[str]:
    """Synonyms without kinds, those of which a term is a narrower one among them."""
    covering = {name for group in terms().groups if noun in group.narrower for name in group.names}
    return frozenset(without_kind(name) for name in synonyms(noun) | covering)


def _parts_and_noun(name: str) -> tuple[list[str], str]:
    """Words that tell the part before a name, and the rest of it."""
    words = name.split()
    count = next((n for n, word in enumerate(words) if word not in PART_WORDS), len(words) - 1)
    return words[:count], " ".join(words[count:])
