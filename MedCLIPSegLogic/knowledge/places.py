"""Words of place: found in prompts, left out of them, made of points and boxes."""

from __future__ import annotations

import re

from .grammar import grammar

NINTHS = ("top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right")
"""Places of a grid of three rows and three columns, row by row."""

_WORD = rf"(?:{'|'.join(grammar().place)})"
NAMED_BY_PLACE = rf"(?:{'|'.join(grammar().named_by_place)})"
"""Organs that a word of place before them tells apart ("left lung")."""
_NOT_AN_ORGAN = rf"(?!\s+(?:{_WORD}\s+)*{NAMED_BY_PLACE}\b)"
_WORDS = rf"\b{_WORD}(?:[\s,-]+(?:and\s+)?{_WORD})*\b{_NOT_AN_ORGAN}"
PLACES = re.compile(_WORDS, re.IGNORECASE)
"""Words of place, but not those that tell which organ is meant."""
LOCATION = re.compile(
    rf",?\s*(?:which is\s+)?(?:located|located at|positioned|seen|found|occupying)?\s*(?:in|at|on|of)?\s*(?:the\s+)?"
    rf"{_WORDS}(?:\s+(?:side|part|area|region|section|quadrant|corner|portion))?"
    r"(?:\s+(?:of|in)\s+the\s+(?:image|picture))?",
    re.IGNORECASE,
)
"""Words of place with what ties them to the rest of a prompt."""
_LOCATION_AND_REST = re.compile(
    rf"(?:{LOCATION.pattern})(?:[\s-]+(?:hand|zone|half|third|panel|picture|image|one)\b)?(?P<of>\s+of(?=\s+the\b))?",
    re.IGNORECASE,
)
_LOOSE_END = re.compile(
    r"(?:[\s,]+(?:is|are|was|has|been|can|be|and|which|that|located|situated|positioned|occupying|affecting|within|in|at|"
    r"on|the|further|nearer|mostly))+(?=\s*[.,;?!]|\s*$|\s+in\s+the\b)",
    re.IGNORECASE,
)


def place_of_point(x: float, y: float) -> str:
    """Which of the nine places a point lies in.

    Args:
        x, y: shares of the width and height of the slice as it is drawn, 0…1, from its top left corner.
    """
    row, column = (min(2, max(0, int(3 * share))) for share in (y, x))
    return NINTHS[3 * row + column]


def place_of_box(left: float, top: float, right: float, bottom: float) -> str:
    """Which of the nine places the middle of a box lies in; corners in any order, in shares as for a point."""
    return place_of_point((left + right) / 2, (top + bottom) / 2)


def without_place(text: str) -> str:
    """A prompt without its words of place, except those that tell which organ is meant; itself when it has none."""
    if PLACES.search(text) is None:
        return text
    left = _LOCATION_AND_REST.sub(lambda match: " in" if match["of"] and match.start() else " ", text)
    left = re.sub(r"^(?:of|in)\s+", "", re.sub(r"\s+", " ", left).strip(" ,:"))
    left = re.sub(r"\s+([.,])", r"\1", _LOOSE_END.sub("", left)).strip(" ,:")
    return left[:1].upper() + left[1:] if text[:1].isupper() else left
