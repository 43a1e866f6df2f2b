"""An evaluation as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .groups import ScoredGroup
from .summary import image_risks

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
WIDTH_INCHES = 8.0
DPI = 110


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
        groups: scores, one per set and style.
        examples: pictures of cases.
    """
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    summaries = metrics["groups"]
    plots = [("Dice of the images", _box_plots(groups))]
    if any(group.pixels.reliability for group in groups):
        plots.append(("Calibration", _reliability_diagram(groups)))
    if any(group.pixels.entropy for group in groups):
        plots.append(("Risk and coverage", _risk_coverage(groups)))
    page = template.render(
        metrics=metrics,
        subject=metrics.get("model") or metrics["masks"],
        columns=[pair for pair in COLUMNS if any(row[f"{pair[0]}_mean"] is not None for row in summaries)],
        pooled=[pair for pair in POOLED if any(row["pooled"][pair[0]] is not None for row in summaries)],
        rows=[(group.label, summary) for group, summary in zip(groups, summaries, strict=True)],
        unit=" or ".join(sorted({score.unit for group in groups for score in group.scores})),
        plots=[(title, _inline(picture)) for title, picture in plots],
        examples=[(example.title, example.caption, _inline(example.picture)) for example in examples],
        number=_number,
        interval=_interval,
    )
    path.write_text(page, encoding="utf-8")


def _inline(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(value: Sequence[float] | None) -> str:
    return "" if value is None else f"{value[0]:.3f} to {value[1]:.3f}"


def _box_plots(groups: Sequence[ScoredGroup]) -> bytes:
    """Dice of every image, a box a group: quartiles, whiskers at 1.5 interquartile ranges, mean as a triangle."""
    figure = Figure(figsize=(WIDTH_INCHES, 1.2 + 0.42 * len(groups)), layout="constrained", dpi=DPI)
    panel = figure.subplots()
    values = [[score.dice for score in group.scores] for group in groups][::-1]
    panel.boxplot(values, orientation="horizontal", showmeans=True, widths=0.6, flierprops={"markersize": 3})
    panel.set_yticks(range(1, len(groups) + 1), [group.label for group in groups][::-1])
    panel.set_xlim(-0.02, 1.02)
    panel.set_xlabel("Dice")
    panel.grid(axis="x", alpha=0.3)
    return _png(figure)


def _reliability_diagram(groups: Sequence[ScoredGroup]) -> bytes:
    """How often pixels are inside the truth, by the probability they were given; the diagonal is calibrated.

    Groups without a probability are left out.
    """
    figure = Figure(figsize=(WIDTH_INCHES, 4.6), layout="constrained", dpi=DPI)
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color="gray", linestyle=":", label="calibrated")
    for group in groups:
        bins = group.pixels.reliability
        if bins is None:
            continue
        seen = bins.counts > 0
        panel.plot(
            bins.confidences[seen] / bins.counts[seen],
            bins.hits[seen] / bins.counts[seen],
            marker="o",
            markersize=3,
            linewidth=1,
            label=f"{group.label} (ECE {bins.expected_calibration_error:.3f})",
        )
    panel.set_xlabel("mean probability of the pixels in a bin")
    panel.set_ylabel("share inside the truth")
    panel.set_aspect("equal")
    panel.grid(alpha=0.3)
    _legend(figure, panel)
    return _png(figure)


def _risk_coverage(groups: Sequence[ScoredGroup]) -> bytes:
    """Left: errors among the surest pixels. Right: 1 − Dice of the surest images. Honest uncertainty keeps both low.

    Groups without an uncertainty are left out.
    """
    figure = Figure(figsize=(WIDTH_INCHES, 4.2), layout="constrained", dpi=DPI)
    pixels, images = figure.subplots(1, 2)
    for group in groups:
        entropy = group.pixels.entropy
        if entropy is None:
            continue
        coverage, risk = entropy.risk_coverage
        pixels.plot(coverage, risk, linewidth=1, label=f"{group.label} (AURC {entropy.aurc:.4f})")
        risks = image_risks(group.scores)
        images.plot(np.arange(1, len(risks) + 1) / len(risks), risks, linewidth=1)
    for panel, title, what in ((pixels, "pixels by entropy", "share of wrong pixels"),
                               (images, "images by mean uncertainty", "mean 1 − Dice")):  # fmt: skip
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("coverage: share kept, the surest first")
        panel.set_ylabel(what)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    _legend(figure, pixels)
    return _png(figure)


def _legend(figure: Figure, panel: object) -> None:
    handles, labels = panel.get_legend_handles_labels()  # type: ignore[attr-defined]
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
