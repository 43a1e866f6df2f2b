"""Preview picture: the image with the mask's outline beside the uncertainty map."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.result import MAX_ENTROPY, SegmentationResult
from MedCLIPSegLogic.volumes.intensity import IntensityMapping
from MedCLIPSegLogic.volumes.planes import SliceAxis
from MedCLIPSegLogic.volumes.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .picture import Picture

SLICES_PER_PROMPT = 3
MOST_ROWS = 40
"""Beyond it there is one slice for each overlay, then not every overlay; a picture has less than 2¹⁶ rows of pixels."""
PANEL_INCHES = 3.4
NOTE_LETTERS = 54
NOTE_INCHES = 0.4
OUTLINE_COLOR = "#00e5ff"
TRUTH_COLOR = "#ffd400"
ENTROPY = "entropy of the mean"


@dataclass(frozen=True, eq=False)
class Overlay:
    """A mask to draw.

    Args:
        title: above the image.
        mask: (K, J, I).
        uncertainty: (K, J, I) in nats; None without a map.
        slices: numbers of the slices that were looked at.
        note: what is to be said of it, below its first image.
    """

    title: str
    mask: NDArray[np.generic]
    uncertainty: NDArray[np.float32] | None
    slices: Sequence[int]
    note: str = ""


def preview_figure(result: SegmentationResult, truth: NDArray[np.bool_] | None = None) -> Picture:
    """The picture of the result of a run, see :func:`overlay_figure`.

    Args:
        result: of a run.
        truth: (K, J, I) known mask, drawn as a second outline.
    """
    overlays = [
        Overlay(
            prompt.prompt,
            prompt.mask,
            prompt.uncertainty,
            result.slice_indices,
            prompt.verdict.text if prompt.verdict is not None else "",
        )
        for prompt in result.prompts
    ]
    entropy = str(result.settings.get("uncertainty", ENTROPY)).partition(";")[0]
    return overlay_figure(result.volume, result.mapping, result.axis, overlays, truth, entropy)


def overlay_figure(
    volume: Volume,
    mapping: IntensityMapping,
    axis: SliceAxis,
    overlays: Sequence[Overlay],
    truth: NDArray[np.bool_] | None = None,
    entropy: str = ENTROPY,
) -> Picture:
    """A picture with one row per slice: image with outline and, if known, uncertainty on its fixed scale.

    With many overlays there is one slice for each, and the last ones are left out.

    Args:
        volume: the image.
        mapping: of its grey values to 8 bit.
        axis: of the slices.
        overlays: masks of that image, at least one; with a column for the uncertainty if any has one.
        truth: (K, J, I) known mask, drawn as a second outline.
        entropy: what the uncertainty is the entropy of.
    """
    from .picture import Picture

    rows = _rows(overlays, axis)
    columns = 1 if all(overlay.uncertainty is None for overlay in overlays) else 2
    row_mm, column_mm = axis.pixel_spacing
    height, width = axis.extract(overlays[0].mask, overlays[0].slices[0]).shape
    tallness = float(np.clip(height * row_mm / (width * column_mm), 0.3, 2.0))
    beside = 0.45 + (NOTE_INCHES if any(overlay.note for overlay in overlays) else 0)
    size = (columns * PANEL_INCHES + 0.9 * (columns - 1), (0.9 * PANEL_INCHES * tallness + beside) * len(rows) + 0.3)
    figure = Picture(figsize=size, layout="constrained", dpi=110)
    panels = figure.subplots(len(rows), columns, squeeze=False)
    aspect = row_mm / column_mm
    heat, noted = None, None
    for row, (overlay, index) in zip(panels, rows, strict=True):
        pixels = mapping.apply(axis.extract(volume.voxels, index))
        mask = axis.extract(overlay.mask, index)
        left = row[0]
        left.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect=aspect)
        if truth is not None:
            _outline(left, axis.extract(truth, index), TRUTH_COLOR)
        _outline(left, mask, OUTLINE_COLOR)
        left.set_title("\n".join(textwrap.wrap(overlay.title, 44)[:3]), fontsize=9, parse_math=False)
        if overlay.uncertainty is not None:
            right = row[1]
            heat = right.imshow(
                axis.extract(overlay.uncertainty, index), cmap="inferno", vmin=0, vmax=MAX_ENTROPY, aspect=aspect
            )
            _outline(right, mask, OUTLINE_COLOR)
            right.set_title(f"uncertainty ({entropy})", fontsize=9)
        elif columns > 1:
            row[1].set_axis_off()
            row[1].text(0.5, 0.5, "uncertainty unknown", transform=row[1].transAxes, fontsize=9, ha="center")
        if axis.count > 1:
            left.set_ylabel(f"{axis.name}, slice {index}", fontsize=8)
            _mark_sides(left, axis)
        for panel in row:
            panel.set_xticks([])
            panel.set_yticks([])
        note = "" if overlay is noted else overlay.note
        noted = overlay
        if not overlay.note and not mask.any():
            note = "nothing found in this slice"
        left.set_xlabel(textwrap.fill(note, NOTE_LETTERS), fontsize=8, parse_math=False)
    if heat is not None:
        bar = figure.colorbar(heat, ax=panels[:, 1].tolist(), shrink=0.9 if len(rows) == 1 else 0.6, pad=0.02)
        bar.set_label("nats (0 certain, ln 2 undecided)", fontsize=8)
        bar.ax.tick_params(labelsize=8)
    legend = "cyan: segmentation" + ("   yellow: known truth" if truth is not None else "")
    if len(overlays) > MOST_ROWS:
        legend += f"   the first {MOST_ROWS} of {len(overlays)}"
    figure.supxlabel(legend, fontsize=8)
    return figure


def _rows(overlays: Sequence[Overlay], axis: SliceAxis) -> list[tuple[Overlay, int]]:
    """The overlays and slices to draw."""
    slices = [(overlay, _interesting_slices(overlay, axis)) for overlay in overlays[:MOST_ROWS]]
    if len(overlays) * SLICES_PER_PROMPT > MOST_ROWS:
        slices = [(overlay, indices[len(indices) // 2 :][:1]) for overlay, indices in slices]
    return [(overlay, index) for overlay, indices in slices for index in indices]


def _interesting_slices(overlay: Overlay, axis: SliceAxis) -> list[int]:
    """Slices at a quarter, half and three quarters of the segment; the middle of the range when it is empty."""
    inside = [index for index in overlay.slices if axis.extract(overlay.mask, index).any()]
    candidates = inside or list(overlay.slices)[len(overlay.slices) // 2 :][:1]
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
