"""The folder of an evaluation: table, record and report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_csv, write_json
from MedCLIPSegLogic.model.checkpoint import file_hash

from .evaluation_report import Example, write_report
from .groups import ScoredGroup
from .scoring import Score

METRICS_TABLE = "metrics.csv"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
FILES = [METRICS_TABLE, REPORT_FILE, METRICS_FILE]
Progress = Callable[[int, int, Score], None]


def check_options(tolerance: float, limit: int | None) -> None:
    """Raise MedCLIPSegError where an option that all evaluations have is out of range."""
    if not 0 <= tolerance < math.inf:
        raise MedCLIPSegError(f"The tolerance is {tolerance}; it must be 0 or more.")
    if limit is not None and limit < 1:
        raise MedCLIPSegError(f"The limit is {limit}; it must be at least 1.")


def make_examples(groups: Sequence[ScoredGroup], draw: Callable[[ScoredGroup, int], bytes]) -> list[Example]:
    """Pictures of the best, the median and the worst case of every group.

    Args:
        groups: with scores.
        draw: makes the PNG of a row of a group by its number.
    """
    examples = []
    for group in groups:
        for name, number in group.examples().items():
            score = group.scores[number]
            asked = f": “{score.prompt}”" if score.prompt else ""
            caption = f"{score.image}{asked}, Dice {score.dice:.3f}"
            examples.append(Example(f"{group.label}: {name}", caption, draw(group, number)))
    return examples


def sheets_record(groups: Sequence[ScoredGroup]) -> list[dict[str, str]]:
    """Names and hashes of the prompt sheets that were read."""
    return [
        {"set": s.set, "style": s.style, "prompts": s.path.name, "prompts_hash": file_hash(s.path)}
        for s in (group.sheet for group in groups)
        if s.path.is_file()
    ]


def write_metrics(
    folder: Path, metrics: dict[str, Any], groups: Sequence[ScoredGroup], examples: Sequence[Example]
) -> None:
    """Write ``metrics.csv`` (one row a score), ``report.html`` and ``metrics.json``.

    Args:
        folder: to write to.
        metrics: content of ``metrics.json``; its "groups" are those of ``groups``.
        groups: scores.
        examples: pictures for the report.
    """
    columns = [field.name for field in dataclasses.fields(Score)]
    write_csv(folder / METRICS_TABLE, columns, (dataclasses.astuple(s) for group in groups for s in group.scores))
    write_report(folder / REPORT_FILE, metrics, groups, examples)
    write_json(folder / METRICS_FILE, metrics)
