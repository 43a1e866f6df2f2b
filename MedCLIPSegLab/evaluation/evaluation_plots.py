"""Plots of an evaluation as PNG pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .groups import ScoredGroup
from .summary import image_risks

WIDTH_INCHES = 8.0
DPI = 110


def box_plots(groups: Sequence[ScoredGroup]) -> bytes:
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


def reliability_diagram(groups: Sequence[ScoredGroup]) -> bytes:
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


def risk_coverage(groups: Sequence[ScoredGroup]) -> bytes:
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
