"""The words of a text and where they stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Word:
    """A word of a text.

    Args:
        text: in lower case.
        start, end: where it stands in the text; the end is exclusive.
    """

    text: str
    start: int
    end: int


def split_words(text: str) -> tuple[Word, ...]:
    """The words of a text: runs of letters and digits, so that "oval-shaped" is two words."""
    return tuple(Word(match[0].lower(), match.start(), match.end()) for match in _WORD.finditer(text))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, as a model's knowledge counts them."""
    return [word.text for word in split_words(text)]
