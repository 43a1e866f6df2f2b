"""Number and spelling of words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

LONG_WORD = 8
"""Letters from which on two mistakes are forgiven, and one in shorter words."""
SHORT_WORD = 3
"""Letters of the shortest word that may be a misspelling; what it was meant to be is longer than that."""

_PLURALS = (
    ("foot$", "feet"), ("tooth$", "teeth"), ("(?<=.)ebra$", "ebrae"), ("(?:fistula|bulla|vena|bursa)$", r"\g<0>e"),
    ("[ie]x$", "ices"), ("(?<=[gnt])ma$", "mata"), ("is$", "es"), ("(?<=[a-z]{2})us$", "i"),
    ("(?<=[a-z]{2}[rvinltd])um$", "a"), ("(?<=gangli)on$", "a"), ("(?<=chondri)on$", "a"), ("(?<=[^aeiou])y$", "ies"),
    ("(?:s|x|z|ch|sh)$", r"\g<0>es"), ("(?<=[a-z])$", "s"),
)  # fmt: skip
"""Endings of singulars, and of their plurals."""
_SINGULARS = (
    ("feet$", "foot"), ("teeth$", "tooth"), ("(?<=[a-z])ae$", "a"), ("(?<=[a-z]{2})ices$", "ix"),
    ("(?<=[a-z]{2})ices$", "ex"), ("(?<=ma)ta$", ""), ("(?<=[a-z]{3}[so])es$", "is"), ("(?<=test|pelv)es$", "is"),
    ("(?<=[a-z]{2})ses$", "sis"), ("(?<=[a-z]{2})i$", "us"), ("(?<=[a-z]{2}[rvinltd])a$", "um"),
    ("(?<=gangli)a$", "on"), ("(?<=chondri)a$", "on"), ("(?<=[a-z])ies$", "y"), ("(?<=s|x|z)es$", ""),
    ("(?<=ch|sh)es$", ""), ("(?<=[a-z][^su])s$", ""),
)  # fmt: skip
"""Endings of plurals, and of their singulars."""


@lru_cache(maxsize=4096)
def number_variants(name: str) -> tuple[str, ...]:
    """What a name may be in the other number: plurals of a singular and singulars of a plural, also those of medicine.

    Args:
        name: one word or several, of which the last one changes; lower case.

    Returns:
        Candidates, of which only some are words: "vertebrae" gives "vertebra", "metastases" "metastasis" and others.
    """
    changed = (re.sub(ending, other, name, count=1) for ending, other in (*_SINGULARS, *_PLURALS))
    return tuple(dict.fromkeys(text for text in changed if text != name))


def plural(name: str) -> str:
    """The plural of a singular: "two tumors", "two vertebrae"; the same for what ends in no letter a to z."""
    plurals = (re.sub(ending, other, name, count=1) for ending, other in _PLURALS if re.search(ending, name))
    return next(plurals, name)


def distance(first: str, second: str) -> int:
    """Letters to change, drop, insert or swap with their neighbor until one word is the other."""
    before, row = [0] * (len(second) + 1), list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        above, row = row, [i]
        for j, other in enumerate(second, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a word is a misspelling of; None for none.

    Args:
        word: lower case.
        known: words, the more likely ones first; of equally near ones the first is taken.
    """
    if len(word) < SHORT_WORD:
        return None
    most = 2 if len(word) >= LONG_WORD else 1
    letters = frozenset(word)
    best: tuple[int, str] | None = None
    for candidate in known:
        if abs(len(candidate) - len(word)) > most or len(candidate) <= SHORT_WORD:
            continue
        if len(letters.symmetric_difference(candidate)) > 2 * most:  # cheap, and leaves few to compare
            continue
        far = distance(word, candidate)
        if far <= most and (best is None or far < best[0]):
            best = (far, candidate)
            if far == 1:
                break
    return best[1] if best else None
