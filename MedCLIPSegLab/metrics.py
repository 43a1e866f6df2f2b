"""Agreement of two binary masks, and how far apart their surfaces are."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class SurfaceScores:
    """Distances between the boundaries of two masks; of contours in 2-D, of surfaces in 3-D.

    Args:
        nsd: normalized surface distance (surface Dice), 0…1: share of both boundaries that lies within the tolerance
            of the other; 1 when both masks are empty, 0 when one is.
        hd95: larger of the two 95th percentiles of the distances; 0 when both are empty, None when one is.
        assd: average symmetric surface distance; 0 when both are empty, None when one is.
    """

    nsd: float
    hd95: float | None
    assd: float | None


def surface_scores(
    prediction: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    spacing: tuple[float, float, float],
    tolerance: float,
) -> SurfaceScores:
    """Compare the boundaries of two masks with the library surface-distance (Nikolov et al., arXiv:1809.04430).

    Args:
        prediction, truth: (K, J, I) bool; a single slice counts as 2-D.
        spacing: voxel size along K, J and I in mm; 1 for pictures without it, whose distances are then in pixels.
        tolerance: distance up to which boundaries count as equal, in the same unit.
    """
    if not prediction.any() or not truth.any():
        is_equal = prediction.any() == truth.any()
        return SurfaceScores(float(is_equal), 0.0 if is_equal else None, 0.0 if is_equal else None)
    import surface_distance

    axis = thin_axis(truth)
    if axis is not None:
        prediction, truth = prediction.squeeze(axis), truth.squeeze(axis)
        spacing = tuple(np.delete(spacing, axis))
    # The library takes no mask that is one voxel high along a second axis without a margin.
    prediction, truth = np.pad(prediction, 1), np.pad(truth, 1)
    found = surface_distance.compute_surface_distances(truth, prediction, spacing)
    to_truth, to_prediction = surface_distance.compute_average_surface_distance(found)
    truth_size, prediction_size = (float(np.sum(found[name])) for name in ("surfel_areas_gt", "surfel_areas_pred"))
    return SurfaceScores(
        nsd=float(surface_distance.compute_surface_dice_at_tolerance(found, tolerance)),
        hd95=float(surface_distance.compute_robust_hausdorff(found, 95)),
        assd=float((to_truth * truth_size + to_prediction * prediction_size) / (truth_size + prediction_size)),
    )


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
