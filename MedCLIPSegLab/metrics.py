"""Agreement of two binary masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dice_score(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice coefficient, 0…1; 1 when both masks are empty.

    Args:
        prediction, truth: bool arrays of one shape, any number of dimensions.
    """
    total = int(prediction.sum()) + int(truth.sum())
    return 2 * int((prediction & truth).sum()) / total if total else 1.0


def iou_score(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Intersection over union (Jaccard index), 0…1; 1 when both masks are empty.

    Args:
        prediction, truth: bool arrays of one shape, any number of dimensions.
    """
    union = int((prediction | truth).sum())
    return int((prediction & truth).sum()) / union if union else 1.0


def thin_axis(mask: NDArray[np.generic]) -> int | None:
    """The axis of a (K, J, I) array along which it is a single slice; None for volumes."""
    return mask.shape.index(1) if 1 in mask.shape else None


def nsd_published(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], tolerance: float = 2.0) -> float:
    """The published system's "NSD", for comparison with its tables only.

    It runs 3-D surface code on a one-slice volume, so every pixel of the mask counts as surface: it is no boundary
    score. Both masks empty gives 1, only one empty gives 0.

    Args:
        prediction, truth: (H, W) bool.
        tolerance: in pixels.
    """
    import surface_distance

    if not prediction.any() or not truth.any():
        return float(prediction.any() == truth.any())
    distances = surface_distance.compute_surface_distances(truth[..., None], prediction[..., None], (1.0, 1.0, 1.0))
    return float(surface_distance.compute_surface_dice_at_tolerance(distances, tolerance))
