"""Words of place: found in prompts, left out of them, made of points and boxes."""

from __future__ import annotations

NINTHS = ("top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right")
"""Places of a grid of three rows and three columns, row by row."""


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
