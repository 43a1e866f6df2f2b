"""Colors for new segments."""

from __future__ import annotations

import numpy as np
import slicer

Color = tuple[float, float, float]

SEGMENT_COLORS: tuple[Color, ...] = (
    (0.337, 0.706, 0.914),
    (0.000, 0.620, 0.451),
    (0.800, 0.475, 0.655),
    (0.902, 0.624, 0.000),
    (0.000, 0.447, 0.698),
    (0.941, 0.894, 0.259),
    (0.835, 0.369, 0.000),
    (0.600, 0.600, 0.600),
)
"""Okabe and Ito's set, which people with any common color vision deficiency tell apart; red, green, blue in 0…1.

Cold colors come first, as the first outlines often lie over the warm heat map.
"""

_SAME = 0.02


def next_color(segmentation: slicer.vtkSegmentation) -> Color:
    """Return the first palette color that the fewest segments have."""
    present = [segmentation.GetNthSegment(index).GetColor() for index in range(segmentation.GetNumberOfSegments())]

    def uses(color: Color) -> int:
        return sum(bool(np.allclose(color, other, atol=_SAME)) for other in present)

    return min(SEGMENT_COLORS, key=uses)
