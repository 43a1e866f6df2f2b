"""Whether a word of place chooses between two things."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.volumes.intensity import default_rule, resolve

from .previews import Previews
from .sets import Shown

SIDE = 384
"""Side of a picture of two in pixels."""
PLACES = ("left", "right")


def obeys_place(pictures: Sequence[Shown], name: str, previews: Previews) -> float | None:
    """Share of prompts "left …" and "right …" whose mask lies on that side of two pictures side by side.

    Args:
        pictures: single slices that show the thing.
        name: of the thing.
        previews: the model.

    Returns:
        0…1, where an empty mask counts as wrong; None for less than two pictures.
    """
    tiles = [_tile(picture) for picture in pictures]
    right = []
    for first, second in zip(tiles[::2], tiles[1::2], strict=False):
        seen = previews.see_pixels(np.hstack([first, second]))
        for number, place in enumerate(PLACES):
            halves = np.array_split(previews.mask(seen, f"{place} {name}"), 2, axis=1)
            right.append(int(halves[number].sum()) > int(halves[1 - number].sum()))
    return round(float(np.mean(right)), 3) if right else None


def _tile(shown: Shown) -> NDArray[np.uint8]:
    pixels = resolve(default_rule(shown.volume), shown.volume).apply(shown.volume.voxels[0])
    color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.asarray(cv2.resize(color, (SIDE // 2, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
