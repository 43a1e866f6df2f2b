"""Means of scores with their confidence, and the comparisons they must be read beside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
from scipy import stats

from .pixels import PixelStatistics
from .scoring import Score

AVERAGED = (
    "dice",
    "iou",
    "nsd",
    "hd95",
    "assd",
    "nsd_published",
    "ece",
    "brier",
    "auroc_entropy",
    "auroc_entropy_boundary",
    "auroc_mutual_information",
    "aurc",
    "sample_dice",
    "mutual_information_share",
    "mean_uncertainty",
)
"""Scores whose mean over the images is told with a confidence interval."""

RESAMPLES = 2000
CONFIDENCE = 0.95


def summarize(scores: Sequence[Score], pixels: PixelStatistics) -> dict[str, Any]:
    """Summarize the scores of one set and prompt style, or of several.

    Args:
        scores: at least one.
        pixels: of the same images together.

    Returns:
        ``<score>_mean`` and ``<score>_interval`` (95 % bootstrap interval over the images, None for fewer than two) of
        each score in ``AVERAGED``, over the images where it is defined; counts, medians and trivial masks; values over
        all pixels together under ``pooled``; and how the mean uncertainty of an image goes with 1 − Dice.
    """
    times = [score.seconds for score in scores if score.seconds is not None]
    summary: dict[str, Any] = {
        "count": len(scores),
        "count_empty_truth": sum(score.truth_share == 0 for score in scores),
        "dice_median": median(score.dice for score in scores),
        "dice_all_foreground_mean": fmean(score.dice_all_foreground for score in scores),
        "dice_empty_mean": fmean(score.dice_empty for score in scores),
        "seconds": sum(times) if len(times) == len(scores) else None,
    }
    for name in AVERAGED:
        values = [value for score in scores if (value := getattr(score, name)) is not None]
        summary[f"{name}_mean"] = fmean(values) if values else None
        summary[f"{name}_interval"] = bootstrap_interval(values)
        if len(values) < len(scores):
            summary[f"{name}_count"] = len(values)
    summary["spearman_uncertainty_error"] = spearman(scores)
    risks = image_risks(scores)
    summary["image_aurc"] = float(np.mean(risks)) if len(risks) else None
    summary["pooled"] = pixels.values
    return summary


def bootstrap_interval(values: Sequence[float]) -> list[float] | None:
    """95 % percentile bootstrap interval [low, high] of a mean; None for fewer than two values.

    Args:
        values: one per image; images are drawn, so the noise of training is not in it.
    """
    if len(values) < 2:
        return None
    if len(set(values)) == 1:
        return [values[0], values[0]]
    found = stats.bootstrap(
        (np.asarray(values),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    return [float(found.low), float(found.high)]


def spearman(scores: Sequence[Score]) -> float | None:
    """Rank correlation of the mean uncertainty of an image with 1 − Dice; None where it isn't defined."""
    known = _errors_by_uncertainty(scores)
    uncertainty, error = [value for value, _ in known], [value for _, value in known]
    if len(set(uncertainty)) < 2 or len(set(error)) < 2:
        return None
    value = float(stats.spearmanr(uncertainty, error).statistic)
    return None if math.isnan(value) else value


def image_risks(scores: Sequence[Score]) -> np.ndarray:
    """Mean 1 − Dice of the n surest images, for n = 1 … all whose uncertainty is known."""
    errors = [error for _, error in sorted(_errors_by_uncertainty(scores), key=lambda pair: pair[0])]
    return np.asarray(np.cumsum(errors) / np.arange(1, len(errors) + 1))


def _errors_by_uncertainty(scores: Sequence[Score]) -> list[tuple[float, float]]:
    return [(score.mean_uncertainty, 1 - score.dice) for score in scores if score.mean_uncertainty is not None]
