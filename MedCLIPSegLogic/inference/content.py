"""Which slices show anything at all."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""Side of the squares in pixels over which noise is averaged away."""
BLOCK_LEVELS = 2
"""Grey levels by which the averages of a slice without content may differ."""
NOISE_LEVELS = 32
"""Grey levels by which single pixels of a slice without content may differ."""


def has_content(pixels: NDArray[np.uint8]) -> bool:
    """False for a slice that is flat but for noise, such as air beside the patient or padding.

    Flat means that no two averages over squares of 16 × 16 pixels differ by more than 2 of the 255 grey levels the
    model sees, and no two pixels by more than 32. A constant slice has no content.

    Args:
        pixels: (H, W) grey or (H, W, 3) color slice, as the model sees it.
    """
    if int(pixels.max()) - int(pixels.min()) > NOISE_LEVELS:
        return True
    size = tuple(max(1, side // BLOCK) for side in pixels.shape[1::-1])
    averages = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    spread = np.ptp(averages.reshape(-1, pixels[0, 0].size), axis=0)
    return bool(spread.max() > BLOCK_LEVELS)
