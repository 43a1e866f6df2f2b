"""Scores of a model on prompted images with known masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from ..datasets.sheets import SheetRow
from ..datasets.truth import read_truth
from ..inference.engine import run
from ..inference.request import SegmentationRequest
from ..inference.result import SegmentationResult
from ..model.library import LoadedModel
from ..volumes.readers import read_volume
from .metrics import dice_score, nsd_published


@dataclass(frozen=True)
class Score:
    """Result of one prompt on one image.

    Args:
        image, prompt: the row of the sheet.
        dice: 0…1; 1 when truth and prediction are empty.
        nsd_published: the published boundary measure of 2-D images; None for volumes.
        dice_all_foreground: Dice a mask that covers everything would get.
        dice_empty: Dice an empty mask would get.
        truth_share, predicted_share: share of the voxels inside.
        mean_uncertainty: nats, see :attr:`PromptResult.mean_uncertainty`.
        seconds: wall time of the run.
    """

    image: str
    prompt: str
    dice: float
    nsd_published: float | None
    dice_all_foreground: float
    dice_empty: float
    truth_share: float
    predicted_share: float
    mean_uncertainty: float
    seconds: float


def score_rows(
    model: LoadedModel, rows: Sequence[SheetRow], images: Path, labels: Path, samples: int
) -> Iterator[Score]:
    """Run the model on every row and compare with the truth on the image's own grid.

    Args:
        model: to evaluate.
        rows: prompts with their images and masks.
        images, labels: folders of the files the rows name.
        samples: Monte-Carlo passes.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or a mask does not fit its image.
    """
    for row in rows:
        volume = read_volume(images / row.image)
        truth = read_truth(labels / row.ground_truth, row.label_values, volume)
        request = SegmentationRequest(volume=volume, prompts=(row.description,), samples=samples)
        *_, result = run(model, request)
        assert isinstance(result, SegmentationResult)
        prompt = result.prompts[0]
        prediction = prompt.mask > 0
        yield Score(
            image=row.image,
            prompt=row.description,
            dice=dice_score(prediction, truth),
            nsd_published=nsd_published(*_flat(prediction, truth)) if volume.is_single_slice else None,
            dice_all_foreground=dice_score(np.ones_like(truth), truth),
            dice_empty=dice_score(np.zeros_like(truth), truth),
            truth_share=float(truth.mean()),
            predicted_share=float(prediction.mean()),
            mean_uncertainty=prompt.mean_uncertainty,
            seconds=result.seconds,
        )


def _flat(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The only slice of both masks, whichever axis is the thin one."""
    axis = truth.shape.index(1)
    return prediction.squeeze(axis), truth.squeeze(axis)


def summarize(scores: Sequence[Score]) -> dict[str, float | int]:
    """Mean and median Dice and the comparisons they must be read beside."""
    summary: dict[str, float | int] = {
        "count": len(scores),
        "count_empty_truth": sum(score.truth_share == 0 for score in scores),
        "dice_mean": fmean(score.dice for score in scores),
        "dice_median": median(score.dice for score in scores),
        "dice_all_foreground_mean": fmean(score.dice_all_foreground for score in scores),
        "dice_empty_mean": fmean(score.dice_empty for score in scores),
        "mean_uncertainty": fmean(score.mean_uncertainty for score in scores),
        "seconds": sum(score.seconds for score in scores),
    }
    flat = [score.nsd_published for score in scores if score.nsd_published is not None]
    if flat:
        summary["nsd_published_mean"] = fmean(flat)
    return summary
