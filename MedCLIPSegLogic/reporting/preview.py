"""Preview picture: the image with the mask's outline beside the uncertainty map."""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..inference.result import MAX_ENTROPY, PromptResult, SegmentationResult
from ..volumes.planes import SliceAxis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLICES_PER_PROMPT = 3
PANEL_INCHES = 3.4
OUTLINE_COLOR = "#00e5ff"
TRUTH_COLOR = "#ffd400"


def draw_preview(
    result: SegmentationResult,
    axis: SliceAxis,
    file: Path | BinaryIO,
    truth: NDArray[np.bool_] | None = None,
) -> None:
    """Write a PNG with one row a slice: image with outline, uncertainty on its fixed scale.

    Args:
        result: of a run.
        axis: the slicing of that run.
        file: to write.
        truth: (K, J, I) known mask, drawn as a second outline.
    """
    from matplotlib.figure import Figure

    rows = [(prompt, index) for prompt in result.prompts for index in _interesting_slices(prompt, result, axis)]
    row_mm, column_mm = axis.pixel_spacing
    height, width = axis.extract(result.prompts[0].mask, result.slice_indices[0]).shape
    tallness = float(np.clip(height * row_mm / (width * column_mm), 0.3, 2.0))
    size = (2 * PANEL_INCHES + 0.9, (0.9 * PANEL_INCHES * tallness + 0.45) * len(rows) + 0.3)
    figure = Figure(figsize=size, layout="constrained", dpi=110)
    panels = figure.subplots(len(rows), 2, squeeze=False)
    aspect = row_mm / column_mm
    entropy = str(result.settings.get("uncertainty", "entropy of the mean")).partition(";")[0]
    heat = None
    for (left, right), (prompt, index) in zip(panels, rows, strict=True):
        pixels = result.mapping.apply(axis.extract(result.volume.voxels, index))
        mask = axis.extract(prompt.mask, index)
        left.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect=aspect)
        heat = right.imshow(
            axis.extract(prompt.uncertainty, index), cmap="inferno", vmin=0, vmax=MAX_ENTROPY, aspect=aspect
        )
        if truth is not None:
            _outline(left, axis.extract(truth, index), TRUTH_COLOR)
        _outline(left, mask, OUTLINE_COLOR)
        _outline(right, mask, OUTLINE_COLOR)
        left.set_title("\n".join(textwrap.wrap(prompt.prompt, 44)[:3]), fontsize=9, parse_math=False)
        right.set_title(f"uncertainty ({entropy})", fontsize=9)
        if axis.count > 1:
            left.set_ylabel(f"{axis.name}, slice {index}", fontsize=8)
            _mark_sides(left, axis)
        for panel in (left, right):
            panel.set_xticks([])
            panel.set_yticks([])
        if not mask.any():
            left.set_xlabel("nothing found in this slice", fontsize=8)
    if heat is not None:
        bar = figure.colorbar(heat, ax=panels[:, 1].tolist(), shrink=0.9 if len(rows) == 1 else 0.6, pad=0.02)
        bar.set_label("nats (0 certain, ln 2 undecided)", fontsize=8)
        bar.ax.tick_params(labelsize=8)
    legend = "cyan: segmentation" + ("   yellow: known truth" if truth is not None else "")
    figure.supxlabel(legend, fontsize=8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # letters the font lacks are drawn as boxes
        figure.savefig(file, format="png")


def _interesting_slices(prompt: PromptResult, result: SegmentationResult, axis: SliceAxis) -> list[int]:
    """Slices at a quarter, half and three quarters of the segment; the middle of the range when it is empty."""
    inside = [index for index in result.slice_indices if axis.extract(prompt.mask, index).any()]
    candidates = inside or list(result.slice_indices)[len(result.slice_indices) // 2 :][:1]
    if len(candidates) <= SLICES_PER_PROMPT:
        return candidates
    return [candidates[round(share * (len(candidates) - 1))] for share in (0.25, 0.5, 0.75)]


def _outline(panel: Axes, mask: NDArray[np.generic], color: str) -> None:
    if min(mask.shape) > 1 and mask.any() and not mask.all():
        panel.contour(mask.astype(float), levels=[0.5], colors=color, linewidths=1.2)


def _mark_sides(panel: Axes, axis: SliceAxis) -> None:
    from matplotlib.patheffects import Normal, Stroke

    letters = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}.get(axis.name)
    if letters is None:
        return
    places = ((0.03, 0.5), (0.97, 0.5), (0.5, 0.96), (0.5, 0.04))
    for letter, (x, y) in zip(letters, places, strict=True):
        text = panel.text(x, y, letter, transform=panel.transAxes, color="white", fontsize=8, ha="center", va="center")
        text.set_path_effects([Stroke(linewidth=2, foreground="black"), Normal()])
