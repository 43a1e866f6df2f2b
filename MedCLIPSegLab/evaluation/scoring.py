"""Scores of a model on prompted images with known masks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import SegmentationResult, to_the_end
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.readers import read_volume

from ..data.prompt_sheets import PromptSheet
from ..data.truth import read_truth
from .agreement import Agreement, agreement
from .pixels import PixelStatistics
from .samples import mean_pairwise_dice


@dataclass(frozen=True)
class Case:
    """What was segmented.

    Args:
        set, style: of the sheet.
        image, prompt: the row of the sheet; the prompt is empty without one.
    """

    set: str
    style: str
    image: str
    prompt: str


@dataclass(frozen=True)
class Score(Agreement, Case):
    """Result of one mask, of a model or finished; None for what isn't known or defined there.

    Args:
        mean_uncertainty: nats, see :attr:`PromptResult.mean_uncertainty`.
        mutual_information_share: part of the summed uncertainty that is mutual information, 0…1.
        ece, brier: calibration over the pixels, see :class:`Reliability`.
        auroc_entropy: of the entropy for wrong pixels; ``_boundary`` within 5 pixels of the true boundary only.
        auroc_mutual_information: of the mutual information for wrong pixels.
        aurc: area under the risk-coverage curve of the pixels by entropy.
        sample_dice: mean Dice between single samples.
        seconds: wall time of the run.
    """

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


@dataclass(frozen=True, eq=False)
class CaseResult:
    """One row of a sheet, segmented; ``truth`` is (K, J, I) bool."""

    request: SegmentationRequest
    result: SegmentationResult
    truth: np.ndarray


def segment_row(model: LoadedModel, sheet: PromptSheet, row: SheetRow, samples: int) -> CaseResult:
    """Segment the image of a row and read its truth.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or a mask does not fit its image.
    """
    volume = read_volume(sheet.images / row.image)
    truth = read_truth(sheet.labels / row.ground_truth, row.label_values, volume)
    request = SegmentationRequest(volume=volume, prompts=(row.description,), samples=samples)
    result = to_the_end(run(model, request))
    return CaseResult(request, result, truth)


def score_rows(
    model: LoadedModel, sheet: PromptSheet, rows: list[SheetRow], samples: int, tolerance: float
) -> Iterator[tuple[Score, PixelStatistics]]:
    """Run the model on every row and compare with the truth on the image's own grid.

    Args:
        model: to evaluate.
        sheet: where the rows come from.
        rows: of the sheet.
        samples: Monte-Carlo passes.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or a mask does not fit its image.
    """
    for row in rows:
        case = segment_row(model, sheet, row, samples)
        yield _score(model, sheet, row, case, tolerance)


def _score(
    model: LoadedModel, sheet: PromptSheet, row: SheetRow, case: CaseResult, tolerance: float
) -> tuple[Score, PixelStatistics]:
    volume, truth, prompt = case.request.volume, case.truth, case.result.prompts[0]
    prediction = prompt.mask > 0
    pixels = PixelStatistics.of(prompt, truth)
    uncertainty = float(prompt.uncertainty.sum(dtype=np.float64))
    information = float(prompt.mutual_information.sum(dtype=np.float64))
    return Score(
        set=sheet.set,
        style=sheet.style,
        image=row.image,
        prompt=row.description,
        **dataclasses.asdict(agreement(prediction, truth, volume, tolerance)),
        mean_uncertainty=prompt.mean_uncertainty,
        mutual_information_share=information / uncertainty if uncertainty else 0.0,
        **pixels.values,
        sample_dice=mean_pairwise_dice(model, case.request),
        seconds=case.result.seconds,
    ), pixels
