"""How well a mask agrees with the known one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.volumes.volume import Volume

from ..metrics import dice_score, iou_score, nsd_published, thin_axis
from .surfaces import surface_scores


@dataclass(frozen=True)
class Agreement:
    """Scores of a mask; None for what isn't defined.

    Args:
        dice, iou: 0…1; 1 when truth and prediction are empty.
        nsd, hd95, assd: see :class:`SurfaceScores`; in ``unit``.
        unit: "mm", or "px" for pictures without pixel size.
        nsd_published: the published "NSD" of 2-D images, which is no boundary score; None for volumes.
        dice_all_foreground: Dice a mask that covers everything would get.
        dice_empty: Dice an empty mask would get.
        truth_share, predicted_share: share of the voxels inside.
    """

    dice: float
    iou: float
    nsd: float
    hd95: float | None
    assd: float | None
    unit: str
    nsd_published: float | None
    dice_all_foreground: float
    dice_empty: float
    truth_share: float
    predicted_share: float


def agreement(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], volume: Volume, tolerance: float) -> Agreement:
    """Compare a mask with the known one.

    Args:
        prediction, truth: (K, J, I) bool.
        volume: their image.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.
    """
    surfaces = surface_scores(prediction, truth, volume.spacing[::-1], tolerance)
    axis = thin_axis(truth)
    return Agreement(
        dice=dice_score(prediction, truth),
        iou=iou_score(prediction, truth),
        nsd=surfaces.nsd,
        hd95=surfaces.hd95,
        assd=surfaces.assd,
        unit="mm" if volume.spacing_known else "px",
        nsd_published=None if axis is None else nsd_published(prediction.squeeze(axis), truth.squeeze(axis)),
        dice_all_foreground=dice_score(np.ones_like(truth), truth),
        dice_empty=dice_score(np.zeros_like(truth), truth),
        truth_share=float(truth.mean()),
        predicted_share=float(prediction.mean()),
    )
