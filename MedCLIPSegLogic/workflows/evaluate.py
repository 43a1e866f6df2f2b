"""Evaluate a model on a prompt sheet."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..datasets.sheets import read_sheet
from ..errors import MedCLIPSegError
from ..evaluation.scoring import Score, score_rows, summarize
from ..inference.request import MAX_SAMPLES, SegmentationRequest
from ..model.checkpoint import file_hash
from ..model.library import load_model
from ..reporting.staging import staged_folder
from ..version import __version__

METRICS_TABLE = "metrics.csv"
METRICS_FILE = "metrics.json"


def evaluate(
    model: str | Path,
    images: str | Path,
    labels: str | Path,
    prompts: str | Path,
    out: str | Path,
    samples: int = 10,
    limit: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int, Score], None] | None = None,
) -> dict[str, Any]:
    """Segment every row of a prompt sheet and compare with the known masks.

    Args:
        model: bundled or installed model's name, or model folder.
        images, labels: folders of the images and of the masks.
        prompts: .xlsx or .csv sheet (``Image``, ``Description``, ``Ground Truth``, optionally ``Label Values``).
        out: folder for ``metrics.csv`` (one row a prompt) and ``metrics.json``.
        samples: Monte-Carlo passes.
        limit: first rows only; None for all.
        overwrite: replace an earlier evaluation in ``out``.
        progress: called after every row with its number from 1, the number of rows and its score.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    if not 1 <= samples <= MAX_SAMPLES:
        raise MedCLIPSegError(f"The number of samples is {samples}; it must be between 1 and {MAX_SAMPLES}.")
    if limit is not None and limit < 1:
        raise MedCLIPSegError(f"The limit is {limit}; it must be at least 1.")
    with staged_folder(Path(out), overwrite, METRICS_FILE) as staging:
        rows = read_sheet(Path(prompts))[:limit]
        loaded = load_model(model)
        scores: list[Score] = []
        for score in score_rows(loaded, rows, Path(images), Path(labels), samples):
            scores.append(score)
            if progress:
                progress(len(scores), len(rows), score)
        metrics = {
            **summarize(scores),
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "samples": samples,
            "threshold": SegmentationRequest.threshold,
            "seed": SegmentationRequest.seed,
            "plane": SegmentationRequest.plane,
            "prompts": Path(prompts).name,
            "prompts_hash": file_hash(Path(prompts)),
            "medclipseg": __version__,
            "files": [METRICS_TABLE, METRICS_FILE],
        }
        with (staging / METRICS_TABLE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Score)])
            writer.writeheader()
            writer.writerows(dataclasses.asdict(score) for score in scores)
        (staging / METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics
