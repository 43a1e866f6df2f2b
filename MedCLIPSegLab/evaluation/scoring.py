"""Scores of a mask, of a model or finished, against the known one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import PromptSheet
from ..metrics import dice_score, iou_score, nsd_published, surface_scores, thin_axis
from .pixels import PixelStatistics


@dataclass(frozen=True, eq=False)
class Case:
    """An image with its known mask and the one to compare; everything (K, J, I).

    Args:
        volume: the image.
        truth, mask: bool.
        probability: float32, 0…1; None without a map.
        uncertainty: float32, entropy in nats; None without a map.
        mean_uncertainty: nats, inside the mask, or over what was looked at when that is empty; None without a map.
        mutual_information: float32, nats; None without samples.
        seconds: wall time of the run; None for finished masks.
    """

    volume: Volume
    truth: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    probability: NDArray[np.float32] | None
    uncertainty: NDArray[np.float32] | None
    mean_uncertainty: float | None
    mutual_information: NDArray[np.float32] | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Score:
    """Result of one mask; None for what isn't known or defined there.

    Args:
        set, style: of the sheet.
        image, prompt: the row of the sheet; the prompt is empty without one.
        dice, iou: 0…1; 1 when truth and prediction are empty.
        nsd, hd95, assd: see :class:`SurfaceScores`; in ``unit``.
        unit: "mm", or "px" for pictures without pixel size.
        nsd_published: the published "NSD" of 2-D images, which is no boundary score; None for volumes.
        dice_all_foreground: Dice a mask that covers everything would get.
        dice_empty: Dice an empty mask would get.
        truth_share, predicted_share: share of the voxels inside.
        mean_uncertainty: nats, see :attr:`Case.mean_uncertainty`.
        mutual_information_share: part of the summed uncertainty that is mutual information, 0…1.
        ece, brier: calibration over the pixels, see :class:`Reliability`.
        auroc_entropy: of the entropy for wrong pixels; ``_boundary`` within 5 pixels of the true boundary only.
        auroc_mutual_information: of the mutual information for wrong pixels.
        aurc: area under the risk-coverage curve of the pixels by entropy.
        sample_dice: mean Dice between single samples.
        seconds: wall time of the run.
    """

    set: str
    style: str
    image: str
    prompt: str
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
    mean_uncertainty: float | None
    mutual_information_share: float | None
    ece: float | None
    brier: float | None
    auroc_entropy: float | None
    auroc_entropy_boundary: float | None
    auroc_mutual_information: float | None
    aurc: float | None
    sample_dice: float | None
    seconds: float | None


def score_case(
    sheet: PromptSheet, row: SheetRow, case: Case, tolerance: float, sample_dice: float | None = None
) -> tuple[Score, PixelStatistics]:
    """Compare a mask with the known one on the image's own grid.

    Args:
        sheet, row: what was asked.
        case: what came of it.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.
        sample_dice: mean Dice between single samples, where that is known.

    Returns:
        The score, and what the maps say of the pixels.
    """
    mask, truth, axis = case.mask, case.truth, thin_axis(case.truth)
    pixels = PixelStatistics.of(mask, truth, case.probability, case.uncertainty, case.mutual_information)
    information_share = None
    if case.mutual_information is not None and case.uncertainty is not None:
        uncertainty = float(case.uncertainty.sum(dtype=np.float64))
        information_share = float(case.mutual_information.sum(dtype=np.float64)) / uncertainty if uncertainty else 0.0
    return Score(
        set=sheet.set,
        style=sheet.style,
        image=row.image,
        prompt=row.description,
        dice=dice_score(mask, truth),
        iou=iou_score(mask, truth),
        **vars(surface_scores(mask, truth, case.volume.known_spacing[::-1], tolerance)),
        unit="mm" if case.volume.spacing_known else "px",
        nsd_published=None if axis is None else nsd_published(mask.squeeze(axis), truth.squeeze(axis)),
        dice_all_foreground=dice_score(np.ones_like(truth), truth),
        dice_empty=dice_score(np.zeros_like(truth), truth),
        truth_share=float(truth.mean()),
        predicted_share=float(mask.mean()),
        mean_uncertainty=case.mean_uncertainty,
        mutual_information_share=information_share,
        **pixels.values,
        sample_dice=sample_dice,
        seconds=case.seconds,
    ), pixels
