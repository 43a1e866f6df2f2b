"""Measures of a mask's outline."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Outline:
    """A mask that is not empty.

    Args:
        area: share of the pixels inside, 0…1.
        compactness: 4π area / length², with the length counted in sides of pixels: π/4 for a square, less for anything
            ragged, long or in pieces.
        border: share of its length that lies on the border of the image, 0…1.
        largest_island: share of the mask in the largest of its pieces, 0…1; pixels that touch at a corner belong
            together.
    """

    area: float
    compactness: float
    border: float
    largest_island: float

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Outline:
        """Measure a mask (H, W)."""
        pixels = int(mask.sum())
        on_border = int(mask[0].sum() + mask[-1].sum() + mask[:, 0].sum() + mask[:, -1].sum())
        within = int((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())
        length = within + on_border
        _, _, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        return cls(
            area=pixels / mask.size,
            compactness=4 * pi * pixels / length**2,
            border=on_border / length,
            largest_island=float(statistics[1:, cv2.CC_STAT_AREA].max()) / pixels,
        )
