"""From cases to the folder of an evaluation: table, record and report."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.files.replacing import write_csv, write_json
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.model.folder import file_hash
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis

from ..data.prompt_sheets import PromptSheet
from ..results.preview import ENTROPY, Overlay, overlay_figure
from .evaluation_report import Example, write_report
from .groups import ScoredGroup
from .pixels import PixelStatistics
from .scoring import Case, Score, score_case
from .settings import METRICS_FILE, METRICS_TABLE, REPORT_FILE, MaskSettings
from .summary import summarize

Progress = Callable[[int, int, Score], None]
ReadCase = Callable[[PromptSheet, SheetRow], Case]


def write_evaluation(
    out: Path,
    overwrite: bool,
    settings: MaskSettings,
    about: Mapping[str, Any],
    asked: Sequence[tuple[PromptSheet, Sequence[SheetRow]]],
    read_case: ReadCase,
    progress: Progress | None,
    sample_dice: Callable[[Case, str], float] | None = None,
) -> dict[str, Any]:
    """Score rows of sheets and write ``metrics.csv`` (one row a score), ``report.html`` and ``metrics.json``.

    Args:
        out: folder to write to.
        overwrite: replace an earlier evaluation in it.
        settings: of the evaluation.
        about: what the record says of the model or the masks.
        asked: sheets with their rows, of which each has at least one.
        read_case: makes the case of a row; called again for the rows that the report shows.
        progress: called after every row with its number from 1, the number of rows and its score.
        sample_dice: mean Dice between single samples of a case with a prompt.

    Returns:
        What ``metrics.json`` holds.
    """
    total, scores, groups = sum(len(rows) for _, rows in asked), list[Score](), list[ScoredGroup]()
    with staged_folder(out, overwrite, METRICS_FILE) as staging:
        for sheet, rows in asked:
            first, pixels = len(scores), PixelStatistics()
            for row in rows:
                case = read_case(sheet, row)
                samples_agree = sample_dice(case, row.description) if sample_dice else None
                score, statistics = score_case(sheet, row, case, settings.tolerance, samples_agree)
                scores.append(score)
                pixels = pixels + statistics
                if progress:
                    progress(len(scores), total, score)
            groups.append(ScoredGroup(sheet, rows, scores[first:], pixels))
        metrics = {
            **summarize(scores, sum((group.pixels for group in groups), PixelStatistics())),
            "groups": [group.summary() for group in groups],
            **about,
            "tolerance": settings.tolerance,
            "sheets": [
                {"set": s.set, "style": s.style, "prompts": s.path.name, "prompts_hash": file_hash(s.path)}
                for s, _ in asked
                if s.path.is_file()
            ],
            "medclipseg": __version__,
            "files": [METRICS_TABLE, REPORT_FILE, METRICS_FILE],
        }
        columns = [field.name for field in dataclasses.fields(Score)]
        write_csv(staging / METRICS_TABLE, columns, map(dataclasses.astuple, scores))
        write_report(staging / REPORT_FILE, metrics, groups, _examples(groups, read_case))
        write_json(staging / METRICS_FILE, metrics)
    return metrics


def _examples(groups: Sequence[ScoredGroup], read_case: ReadCase) -> list[Example]:
    """Pictures of the best, the median and the worst case of every group."""
    examples = []
    for group in groups:
        for name, number in group.examples().items():
            score, case = group.scores[number], read_case(group.sheet, group.rows[number])
            asked = f": “{score.prompt}”" if score.prompt else ""
            caption = f"{score.image}{asked}, Dice {score.dice:.3f}"
            examples.append(Example(f"{group.label}: {name}", caption, _picture(case, score.prompt)))
    return examples


def _picture(case: Case, prompt: str) -> bytes:
    """The image with both outlines and, if there is one, the uncertainty map."""
    picture, volume = io.BytesIO(), case.volume
    axis = choose_axis(volume, "auto")
    overlay = Overlay(prompt, case.mask, case.uncertainty, range(axis.count))
    entropy = "entropy" if case.mutual_information is None else ENTROPY
    mapping = resolve(default_rule(volume), volume)
    overlay_figure(volume, mapping, axis, [overlay], case.truth, entropy).write(picture)
    return picture.getvalue()
