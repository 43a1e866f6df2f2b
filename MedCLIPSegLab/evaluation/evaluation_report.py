"""An evaluation as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .evaluation_plots import box_plots, reliability_diagram, risk_coverage
from .groups import ScoredGroup

TEMPLATE = Path(__file__).parent.parent / "Resources" / "Report" / "evaluation.html"
COLUMNS = (
    ("dice", "Dice"),
    ("iou", "IoU"),
    ("nsd", "NSD"),
    ("hd95", "HD95"),
    ("assd", "ASSD"),
    ("sample_dice", "Dice of samples"),
    ("mutual_information_share", "MI share"),
)
POOLED = (
    ("ece", "ECE"),
    ("brier", "Brier"),
    ("auroc_entropy", "AUROC of entropy"),
    ("auroc_entropy_boundary", "same, near boundary"),
    ("auroc_mutual_information", "AUROC of MI"),
    ("aurc", "AURC"),
)


@dataclass(frozen=True)
class Example:
    """A case worth looking at.

    Args:
        title: group and place, e.g. "BUSI, original: worst".
        caption: image, prompt and Dice.
        picture: PNG.
    """

    title: str
    caption: str
    picture: bytes


def write_report(
    path: Path,
    metrics: Mapping[str, Any],
    groups: Sequence[ScoredGroup],
    examples: Sequence[Example],
) -> None:
    """Write the page: tables with confidence intervals, plots, and best, median and worst cases.

    What nobody knows, such as the calibration of masks without probabilities, is left out.

    Args:
        path: file to write.
        metrics: what ``metrics.json`` holds.
        groups: scores, one a set and style.
        examples: pictures of cases.
    """
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    summaries = metrics["groups"]
    plots = [("Dice of the images", box_plots(groups))]
    if any(group.pixels.reliability for group in groups):
        plots.append(("Calibration", reliability_diagram(groups)))
    if any(group.pixels.entropy for group in groups):
        plots.append(("Risk and coverage", risk_coverage(groups)))
    page = template.render(
        metrics=metrics,
        subject=metrics.get("model") or metrics["masks"],
        columns=[pair for pair in COLUMNS if any(row[f"{pair[0]}_mean"] is not None for row in summaries)],
        pooled=[pair for pair in POOLED if any(row["pooled"][pair[0]] is not None for row in summaries)],
        rows=[(group.label, summary) for group, summary in zip(groups, summaries, strict=True)],
        unit=_unit(groups),
        plots=[(title, _inline(picture)) for title, picture in plots],
        examples=[(example.title, example.caption, _inline(example.picture)) for example in examples],
        number=_number,
        interval=_interval,
    )
    path.write_text(page, encoding="utf-8")


def _unit(groups: Sequence[ScoredGroup]) -> str:
    units = sorted({score.unit for group in groups for score in group.scores})
    return " or ".join(units)


def _inline(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(value: Sequence[float] | None) -> str:
    return "" if value is None else f"{value[0]:.3f} to {value[1]:.3f}"
