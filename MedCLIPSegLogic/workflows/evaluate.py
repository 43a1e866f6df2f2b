"""Evaluate a model on prompt sheets."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError
from ..evaluation.groups import ScoredGroup, all_pixels, score_group
from ..evaluation.prompt_sheets import PromptSheet, Split, find_sheets
from ..evaluation.scoring import Score, segment_row
from ..evaluation.summary import summarize
from ..inference.request import MAX_SAMPLES, SegmentationRequest
from ..model.checkpoint import file_hash
from ..model.library import LoadedModel, load_model
from ..reporting.evaluation_report import Example, write_report
from ..reporting.preview import draw_preview
from ..reporting.staging import staged_folder
from ..version import __version__
from ..volumes.planes import choose_axis

METRICS_TABLE = "metrics.csv"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
Progress = Callable[[int, int, Score], None]


def evaluate(
    model: str | Path,
    images: str | Path,
    labels: str | Path,
    prompts: str | Path,
    out: str | Path,
    samples: int = 10,
    tolerance: float = 2.0,
    limit: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Segment every row of a prompt sheet and compare with the known masks.

    Args:
        model: bundled or installed model's name, or model folder.
        images, labels: folders of the images and of the masks.
        prompts: .xlsx or .csv sheet (``Image``, ``Description``, ``Ground Truth``, optionally ``Label Values``).
        out: folder for ``metrics.csv`` (one row a prompt), ``metrics.json`` and ``report.html``.
        samples: Monte-Carlo passes.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.
        limit: first rows only; None for all.
        overwrite: replace an earlier evaluation in ``out``.
        progress: called after every row with its number from 1, the number of rows and its score.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    sheet = PromptSheet(Path(prompts).stem, "", Path(prompts), Path(images), Path(labels))
    return _evaluate(model, lambda: [sheet], Path(out), samples, tolerance, limit, overwrite, progress)


def evaluate_sets(
    model: str | Path,
    data: Sequence[str | Path],
    out: str | Path,
    styles: Sequence[str] = (),
    split: Split = "Test",
    samples: int = 10,
    tolerance: float = 2.0,
    limit: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate on a split of data sets in MedCLIPSeg's layout, every prompt style by itself.

    Args:
        model: bundled model's name or model folder.
        data: data set folders with ``Test_Folder/{img,label}`` and ``Prompts_Folder/Test_text_<style>.xlsx`` or .csv.
        out: folder for the results, as for `evaluate`.
        styles: prompt styles, those of ``MADE_STYLES`` among them; none for the published ones that are there.
        split: "Test", or "Val" to choose settings by.
        samples, tolerance, limit, overwrite, progress: as for `evaluate`; the limit is for each sheet.

    Returns:
        What ``metrics.json`` holds: all rows together, and each set and style under ``groups``.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    folders = [Path(folder) for folder in data]
    return _evaluate(
        model, lambda: find_sheets(folders, styles, split), Path(out), samples, tolerance, limit, overwrite, progress
    )


def _evaluate(
    model: str | Path,
    find_sheets: Callable[[], list[PromptSheet]],
    out: Path,
    samples: int,
    tolerance: float,
    limit: int | None,
    overwrite: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    if not 1 <= samples <= MAX_SAMPLES:
        raise MedCLIPSegError(f"The number of samples is {samples}; it must be between 1 and {MAX_SAMPLES}.")
    if not 0 <= tolerance < math.inf:
        raise MedCLIPSegError(f"The tolerance is {tolerance}; it must be 0 or more.")
    if limit is not None and limit < 1:
        raise MedCLIPSegError(f"The limit is {limit}; it must be at least 1.")
    with staged_folder(out, overwrite, METRICS_FILE) as staging:
        sheets = find_sheets()
        total = sum(len(sheet.rows(limit)) for sheet in sheets)
        loaded = load_model(model)
        scores: list[Score] = []

        def on_score(score: Score) -> None:
            scores.append(score)
            if progress:
                progress(len(scores), total, score)

        groups = [score_group(loaded, sheet, samples, tolerance, limit, on_score) for sheet in sheets]
        metrics = {
            **summarize(scores, all_pixels(groups)),
            "groups": [
                {"set": group.sheet.set, "style": group.sheet.style, **summarize(group.scores, group.pixels)}
                for group in groups
            ],
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "samples": samples,
            "threshold": SegmentationRequest.threshold,
            "seed": SegmentationRequest.seed,
            "plane": SegmentationRequest.plane,
            "images": sorted({sheet.images.parent.name for sheet in sheets}),
            "tolerance": tolerance,
            "sheets": [
                {"set": s.set, "style": s.style, "prompts": s.path.name, "prompts_hash": file_hash(s.path)}
                for s in sheets
            ],
            "medclipseg": __version__,
            "files": [METRICS_TABLE, REPORT_FILE, METRICS_FILE],
        }
        with (staging / METRICS_TABLE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Score)])
            writer.writeheader()
            writer.writerows(dataclasses.asdict(score) for score in scores)
        examples = [example for group in groups for example in _examples(loaded, group, samples, limit)]
        write_report(staging / REPORT_FILE, metrics, groups, examples)
        (staging / METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics


def _examples(model: LoadedModel, group: ScoredGroup, samples: int, limit: int | None) -> list[Example]:
    """Pictures of the best, the median and the worst case; these are segmented once more, with the same result."""
    rows = group.sheet.rows(limit)
    examples = []
    for name, number in group.examples().items():
        case = segment_row(model, group.sheet, rows[number], samples)
        picture = io.BytesIO()
        draw_preview(case.result, choose_axis(case.request.volume, case.request.plane), picture, case.truth)
        score = group.scores[number]
        caption = f"{score.image}: “{score.prompt}”, Dice {score.dice:.3f}"
        examples.append(Example(f"{group.label}: {name}", caption, picture.getvalue()))
    return examples
