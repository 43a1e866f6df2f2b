"""Evaluate a model on prompt sheets."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.inference.request import MAX_SAMPLES, SegmentationRequest
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.volumes.planes import choose_axis

from ..data.prompt_sheets import PromptSheet, Split, find_sheets
from ..results.preview import draw_preview
from .groups import ScoredGroup, all_pixels, score_group
from .metric_files import FILES, METRICS_FILE, Progress, check_options, make_examples, sheets_record, write_metrics
from .scoring import Score, segment_row
from .summary import summarize


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
    check_options(tolerance, limit)
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
            "groups": [group.summary() for group in groups],
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "samples": samples,
            "threshold": SegmentationRequest.threshold,
            "seed": SegmentationRequest.seed,
            "plane": SegmentationRequest.plane,
            "images": sorted({sheet.images.parent.name for sheet in sheets}),
            "tolerance": tolerance,
            "sheets": sheets_record(groups),
            "medclipseg": __version__,
            "files": FILES,
        }

        def draw(group: ScoredGroup, number: int) -> bytes:
            """Segments the row once more, with the same result."""
            case = segment_row(loaded, group.sheet, group.sheet.rows(limit)[number], samples)
            picture = io.BytesIO()
            draw_preview(case.result, choose_axis(case.request.volume, case.request.plane), picture, case.truth)
            return picture.getvalue()

        write_metrics(staging, metrics, groups, make_examples(groups, draw))
    return metrics
