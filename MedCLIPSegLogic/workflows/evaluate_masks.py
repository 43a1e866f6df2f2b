"""Evaluate finished masks."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Callable
from functools import reduce
from operator import add
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ..errors import MedCLIPSegError
from ..evaluation.finished_masks import MaskScore, paired_rows, score_masks
from ..evaluation.pixels import ErrorDetection
from ..evaluation.prompt_sheets import ORIGINAL, PromptSheet, Split, find_sheets
from ..evaluation.summary import bootstrap_interval
from ..reporting.staging import staged_folder
from ..version import __version__
from .evaluate import METRICS_FILE, METRICS_TABLE

AVERAGED = ("dice", "iou", "nsd", "hd95", "assd", "nsd_published", "mean_uncertainty", "auroc_entropy", "aurc")


def evaluate_masks(
    masks: str | Path,
    out: str | Path,
    images: str | Path | None = None,
    labels: str | Path | None = None,
    prompts: str | Path | None = None,
    data: str | Path | None = None,
    split: Split = "Test",
    tolerance: float = 2.0,
    limit: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int, MaskScore], None] | None = None,
) -> dict[str, Any]:
    """Compare a folder of masks with the known ones.

    Args:
        masks: folder of masks of 0 and 255 named after the images, or a result of ``weak``, whose entropy maps are
            evaluated too.
        out: folder for ``metrics.csv`` (one row a mask) and ``metrics.json``.
        images, labels: folders of the images and the known masks.
        prompts: sheet that pairs them; None pairs them by name.
        data: data set folder in MedCLIPSeg's layout, instead of the three.
        split: of the data set.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.
        limit: first images only; None for all.
        overwrite: replace an earlier evaluation in ``out``.
        progress: called after every image with its number from 1, their number and its score.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    if not 0 <= tolerance < math.inf:
        raise MedCLIPSegError(f"The tolerance is {tolerance}; it must be 0 or more.")
    if limit is not None and limit < 1:
        raise MedCLIPSegError(f"The limit is {limit}; it must be at least 1.")
    with staged_folder(Path(out), overwrite, METRICS_FILE) as staging:
        if data is not None:
            [sheet] = find_sheets([Path(data)], [ORIGINAL], split)
            rows = sheet.rows()
        elif images is not None and labels is not None:
            path = Path(prompts) if prompts is not None else Path()
            sheet = PromptSheet(path.stem, "", path, Path(images), Path(labels))
            rows = sheet.rows() if prompts is not None else paired_rows(sheet.images, sheet.labels)
        else:
            raise MedCLIPSegError("Give either --data, or --images and --labels.")
        rows = rows[:limit]
        if len({row.image for row in rows}) < len(rows):
            raise MedCLIPSegError(
                f"Some images have several prompts in {sheet.path}, but one mask each; give a sheet with one row an "
                "image."
            )
        scores: list[MaskScore] = []
        detections: list[ErrorDetection] = []
        for score, detection in score_masks(Path(masks), sheet, rows, tolerance):
            scores.append(score)
            detections += [detection] if detection is not None else []
            if progress:
                progress(len(scores), len(rows), score)
        metrics = {
            **_summary(scores, detections),
            "masks": Path(masks).resolve().name,
            "tolerance": tolerance,
            "medclipseg": __version__,
            "files": [METRICS_TABLE, METRICS_FILE],
        }
        with (staging / METRICS_TABLE).open("w", newline="", encoding="utf-8") as file:
            names = ["image", "prompt"]
            names += [field.name for field in dataclasses.fields(MaskScore) if field.name not in names]
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(dataclasses.asdict(score) for score in scores)
        (staging / METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics


def _summary(scores: list[MaskScore], detections: list[ErrorDetection]) -> dict[str, Any]:
    """Means with 95 % bootstrap intervals over the images where a score is defined; AUROC of all pixels together."""
    if not scores:
        raise MedCLIPSegError("There is no mask to evaluate.")
    summary: dict[str, Any] = {
        "count": len(scores),
        "count_empty_truth": sum(score.truth_share == 0 for score in scores),
        "dice_median": median(score.dice for score in scores),
        "dice_all_foreground_mean": fmean(score.dice_all_foreground for score in scores),
        "dice_empty_mean": fmean(score.dice_empty for score in scores),
    }
    for name in AVERAGED:
        values = [value for score in scores if (value := getattr(score, name)) is not None]
        summary[f"{name}_mean"] = fmean(values) if values else None
        summary[f"{name}_interval"] = bootstrap_interval(values)
        if 0 < len(values) < len(scores):
            summary[f"{name}_count"] = len(values)
    together = reduce(add, detections) if detections else None
    summary["pooled"] = {
        "auroc_entropy": together.auroc if together else None,
        "aurc": together.aurc if together else None,
    }
    return summary
