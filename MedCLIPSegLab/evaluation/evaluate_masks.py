"""Evaluate finished masks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis

from ..data.prompt_sheets import ORIGINAL, PromptSheet, Split, find_sheets
from ..results.preview import Overlay, draw_overlays
from .finished_masks import FinishedCase, find_files, paired_rows, read_case, score_masks
from .groups import ScoredGroup, collect_group
from .metric_files import FILES, METRICS_FILE, Progress, check_options, make_examples, sheets_record, write_metrics
from .scoring import Score


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
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare a folder of masks with the known ones.

    Args:
        masks: folder of masks of 0 and 255 named after the images, a result of ``weak``, or a folder of results of
            ``segment`` or ``zeroshot``; probability and uncertainty maps that lie there are evaluated too.
        out: folder for ``metrics.csv`` (one row a mask), ``metrics.json`` and ``report.html``, as of ``evaluate``.
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
    check_options(tolerance, limit)
    with staged_folder(Path(out), overwrite, METRICS_FILE) as staging:
        if data is not None:
            [sheet] = find_sheets([Path(data)], [ORIGINAL], split)
            rows = sheet.rows()
        elif images is not None and labels is not None:
            path = Path(prompts) if prompts is not None else Path()
            sheet = PromptSheet(path.stem or Path(masks).resolve().name, "", path, Path(images), Path(labels))
            rows = sheet.rows() if prompts is not None else paired_rows(sheet.images, sheet.labels)
        else:
            raise MedCLIPSegError("Give either --data, or --images and --labels.")
        rows = rows[:limit]
        if not rows:
            raise MedCLIPSegError("There is no mask to evaluate.")
        files = find_files(Path(masks), sheet, rows)
        done: list[Score] = []

        def on_score(score: Score) -> None:
            done.append(score)
            if progress:
                progress(len(done), len(rows), score)

        groups = [collect_group(sheet, score_masks(sheet, rows, files, tolerance), on_score)]
        summary = groups[0].summary()
        metrics = {
            **{name: value for name, value in summary.items() if name not in ("set", "style")},
            "groups": [summary],
            "masks": Path(masks).resolve().name,
            "tolerance": tolerance,
            "sheets": sheets_record(groups),
            "medclipseg": __version__,
            "files": FILES,
        }

        def draw(group: ScoredGroup, number: int) -> bytes:
            return _picture(read_case(sheet, rows[number], files[number]), rows[number].description)

        write_metrics(staging, metrics, groups, make_examples(groups, draw))
    return metrics


def _picture(case: FinishedCase, prompt: str) -> bytes:
    """The image with both outlines and, if there is one, the uncertainty map."""
    picture = io.BytesIO()
    volume = case.volume
    axis = choose_axis(volume, "auto")
    overlay = Overlay(prompt, case.mask, case.uncertainty, range(axis.count))
    draw_overlays(volume, resolve(default_rule(volume), volume), axis, [overlay], picture, case.truth, "entropy")
    return picture.getvalue()
