"""Names of things: which of them mean the same, and which are to be tried on a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from MedCLIPSegLogic.knowledge.known import MOST_LETTERS

from ..data.prompt_words import PART_WORDS
from ..data.rewording import bare_thing, unknown_word
from ..data.wordings import wordings

MOST_NAMES = 12
"""Longer names of a thing from its prompts ("glioma tumor") that are tried."""
LEAST_PROMPTS = 3
"""Prompts that must hold such a name."""
UNRELATED = 4
"""Words without meaning, and as many things of other parts of the body, that are tried."""

_NUMBERS = (
    ("ies$", "y"), ("sses$", "ss"), ("ses$", "sis"), ("ae$", "a"), ("(?<=[a-z]{3})i$", "us"), ("(?<![sui])s$", ""),
    ("sis$", "ses"), ("us$", "i"), ("ebra$", "ebrae"), ("(s|x|ch|sh)$", r"\1es"), ("(?<![aeo])y$", "ies"), ("$", "s"),
)  # fmt: skip
"""Endings of plurals, then of singulars, and what the other number has instead."""
_NEAR = (
    ("tumor", "tumour", "mass", "lesion", "nodule", "cancer", "carcinoma", "neoplasm", "growth", "abnormality"),
    ("polyp", "polypoid lesion", "adenoma", "lesion", "growth", "neoplasm", "mass", "tumor"),
    ("melanoma", "skin lesion", "mole", "nevus", "lesion", "naevus", "skin cancer"),
    ("hippocampus", "hippocampal formation", "hippocampal head"),
)


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


def names_to_try(group: Sequence[str], longer: Mapping[str, Counter[str]]) -> list[str]:
    """Names for one thing: those of its prompts, synonyms and near-synonyms, each in singular and plural.

    Args:
        group: its names without kinds.
        longer: names with kinds by those without, and how often prompts have them.
    """
    found = sum((longer[name] for name in group), Counter[str]())
    with_kinds = [name for name, count in found.most_common(MOST_NAMES) if count >= LEAST_PROMPTS]
    names = [*group, *with_kinds]
    for name in group:
        parts, noun = _parts_and_noun(name)
        names += [" ".join([*parts, other]) for other in sorted(synonyms(noun))]
    forms = dict.fromkeys(form for name in names for form in (name, other_number(name)))
    return [form for form in forms if len(form) <= MOST_LETTERS]


def unrelated_names(anatomy: Collection[str]) -> list[str]:
    """Words without meaning, and things that images of these parts of the body cannot show."""
    rng = np.random.default_rng(0)
    elsewhere = wordings().things_elsewhere(anatomy, held_out=True)
    step = max(1, len(elsewhere) // UNRELATED)
    return [*(unknown_word(rng) for _ in range(UNRELATED)), *elsewhere[::step][:UNRELATED]]


def _mean_the_same(first: str, second: str) -> bool:
    (parts, noun), (other_parts, other) = _parts_and_noun(first), _parts_and_noun(second)
    return parts == other_parts and (noun in synonyms(other) or other in synonyms(noun))


def _parts_and_noun(name: str) -> tuple[list[str], str]:
    """Words that tell the part before a name, and the rest of it."""
    words = name.split()
    count = next((n for n, word in enumerate(words) if word not in PART_WORDS), len(words) - 1)
    return words[:count], " ".join(words[count:])


def other_number(name: str) -> str:
    """The plural of a name in the singular, and the other way round."""
    for ending, other in _NUMBERS:
        changed, count = re.subn(ending, other, name)
        if count:
            return changed
    return name


def synonyms(noun: str, trained: bool = False) -> frozenset[str]:
    """Other words for a noun; with ``trained`` only those that training itself puts in its place."""
    given = {bare_thing(word): words for word, words in wordings().synonyms.items()}.get(noun, ())
    near = () if trained else next((group for group in _NEAR if noun in group), ())
    return frozenset({*given, *near} - {noun})
