"""Uncertainty of an ensemble: entropy map in bits and one score an image (MedCLIP-SAMv2, arXiv 2409.19483)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMALLEST_PROBABILITY = 1e-7
"""Probabilities are clipped to this distance from 0 and 1, where the logarithm is not finite."""


def entropy_bits(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    """Entropy of foreground and background in bits, 0…1.

    Args:
        probability: of the foreground, 0…1, any shape; of an ensemble the mean of its softmax.
    """
    p = np.clip(probability.astype(np.float64), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return (-p * np.log2(p) - (1 - p) * np.log2(1 - p)).astype(np.float32)


def edge_pixels(mask: NDArray[np.bool_]) -> int:
    """Pixels of the one pixel wide rim around a mask (H, W): its dilation by 3 x 3 without itself."""
    dilated = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return int((dilated & ~mask).sum())


def image_score(entropy: NDArray[np.float32], mask: NDArray[np.bool_]) -> float | None:
    """Uncertainty of an image, 100 · Σ entropy / pixels of the rim; None without a rim (an empty or full mask).

    The published code lets the rim wrap around in 8 bit and so counts each of its pixels 255 times.

    Args:
        entropy: (H, W) in bits.
        mask: (H, W).
    """
    edge = edge_pixels(mask)
    return 100 * float(entropy.sum(dtype=np.float64)) / edge if edge else None
