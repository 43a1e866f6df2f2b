"""From a saliency map to a coarse mask: dense CRF (MedCLIP-SAM), Otsu or 2-means (MedCLIP-SAMv2)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .dense_crf import refine
from .rules import Binarization

FLAT = 1e-6
"""A map whose values differ by less shows nothing."""
LEVELS = 255


@dataclass(frozen=True, eq=False)
class CoarseMask:
    """A saliency map cut in two.

    Args:
        mask: (H, W) bool.
        score: (H, W) float32, 0…1, above 0.5 exactly in the mask: the CRF's probability of the foreground, or the
            saliency stretched so that the threshold lies at 0.5.
        threshold: saliency above which a pixel is in the mask; None for the CRF, which has no single one, and for a
            map without contrast.
    """

    mask: NDArray[np.bool_]
    score: NDArray[np.float32]
    threshold: float | None


def binarize(saliency: NDArray[np.float32], image: NDArray[np.uint8], method: Binarization) -> CoarseMask:
    """Cut a saliency map into foreground and background.

    Otsu's threshold and the border between two means both make the variance within the parts smallest; the first is
    found on 256 levels, the second by Lloyd's steps from the middle of the range.

    Args:
        saliency: (H, W) float32, 0…1.
        image: (H, W, 3), used by the CRF alone.
        method: how.

    Returns:
        The mask; empty for a map without contrast.
    """
    if float(np.ptp(saliency)) < FLAT:
        return CoarseMask(np.zeros(saliency.shape, np.bool_), np.zeros(saliency.shape, np.float32), None)
    if method == "crf":
        score = refine(saliency, image)
        return CoarseMask(score > 0.5, score, None)
    threshold = otsu_threshold(saliency) if method == "otsu" else two_means_threshold(saliency)
    mask = saliency > threshold
    below = 0.5 * saliency / max(threshold, FLAT)
    above = 0.5 + 0.5 * (saliency - threshold) / max(1 - threshold, FLAT)
    # Rounding must not put a pixel on the other side.
    score = np.where(mask, np.maximum(above, np.nextafter(np.float32(0.5), np.float32(1))), np.minimum(below, 0.5))
    return CoarseMask(mask, score.astype(np.float32), threshold)


def otsu_threshold(saliency: NDArray[np.float32]) -> float:
    """Otsu's threshold of values (H, W) in 0…1 on 256 levels."""
    levels = np.round(saliency * LEVELS).astype(np.uint8)
    below, _ = cv2.threshold(levels, 0, LEVELS, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return (float(below) + 0.5) / LEVELS


def two_means_threshold(saliency: NDArray[np.float32]) -> float:
    """Middle between the two means of values (H, W) in 0…1."""
    values = saliency.reshape(-1, 1)
    labels = (values > (float(values.min()) + float(values.max())) / 2).astype(np.int32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-6)
    _, _, means = cv2.kmeans(values, 2, labels, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    return float(means.mean())
