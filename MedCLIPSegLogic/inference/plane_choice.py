"""Which planes of a volume are segmented, and what fusing them costs; told before anything is loaded. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..knowledge.known import Knowledge
from ..knowledge.planes import Weights, known_plane
from ..volumes.planes import SliceAxis, choose_axis, usable_planes
from ..volumes.volume import Volume
from .request import AUTOMATIC, AnyPlane, ChosenBy

PLANES = ("axial", "coronal", "sagittal")


def choose_plane(
    volume: Volume, prompts: Sequence[str], plane: AnyPlane, knowledge: Knowledge | None
) -> tuple[AnyPlane, ChosenBy]:
    """The plane of a run, and who chose it.

    Args:
        volume: the image; its voxels are not looked at.
        prompts: what is asked.
        plane: chosen by the person. "auto" is the plane in which the model does best, where all kinds of volume that
            have the asked things agree on it and its slices are no stripes; else it stays the plane of acquisition.
        knowledge: of the model; None without any, as of methods without training data.
    """
    if plane != AUTOMATIC:
        return plane, "person"
    best = known_plane(prompts, knowledge) if knowledge is not None else None
    if best is not None and best in [axis.name for axis in usable_planes(volume)]:
        return best, "knowledge"
    return AUTOMATIC, "acquisition"


@dataclass(frozen=True)
class Fusion:
    """Planes that are fused.

    Args:
        axes: of the planes, that which is shown first at first; at least one.
        weights: of the planes, in their order; their sum is 1.
        slices_of_one: slices of a run in the chosen plane alone.
    """

    axes: tuple[SliceAxis, ...]
    weights: tuple[float, ...]
    slices_of_one: int

    @property
    def slices(self) -> int:
        """Slices of all planes."""
        return sum(axis.count for axis in self.axes)

    @property
    def times_the_work(self) -> float:
        """Work of all planes, in runs in the chosen plane alone; every slice costs the same."""
        return self.slices / self.slices_of_one

    @property
    def planes(self) -> tuple[str, ...]:
        """Names of the planes in their usual order."""
        names = {axis.name for axis in self.axes}
        return tuple(plane for plane in PLANES if plane in names)

    @property
    def cost(self) -> str:
        """What fusing costs, one sentence."""
        if len(self.axes) == 1:
            return self.note
        return (
            f"{'Three' if len(self.axes) == len(PLANES) else 'Two'} planes: {self.slices} slices instead of "
            f"{self.slices_of_one}, at most {self.times_the_work:.2g} times the work."
        )

    @property
    def note(self) -> str:
        """What is to be said of planes that are left out, one sentence; empty when there are none."""
        if len(self.axes) == len(PLANES):
            return ""
        what = "plane was segmented" if len(self.axes) == 1 else "planes were fused"
        return f"Only the {' and the '.join(self.planes)} {what}, as slices in the others would be stripes."

    def record(self) -> dict[str, Any]:
        """What ``run.json`` holds of it."""
        weights = {axis.name: round(weight, 4) for axis, weight in zip(self.axes, self.weights, strict=True)}
        return {"weights": {plane: weights[plane] for plane in self.planes}, "slices": self.slices, "note": self.note}


def plan_fusion(volume: Volume, plane: AnyPlane, weights: Weights | None = None) -> Fusion:
    """Which planes of a volume are fused.

    Args:
        volume: with known spacing, more than a single slice; its voxels are not looked at.
        plane: the chosen one, which is shown first; where only stripes are left, it is the only one.
        weights: of the axial, the coronal and the sagittal plane; None for the same of each.
    """
    chosen = choose_axis(volume, plane)
    wanted = dict(zip(PLANES, weights or (1.0, 1.0, 1.0), strict=True))
    axes = sorted(usable_planes(volume) or [chosen], key=lambda axis: axis.name != chosen.name)
    total = sum(wanted[axis.name] for axis in axes)
    shares = [wanted[axis.name] / total if total else 1 / len(axes) for axis in axes]
    return Fusion(tuple(axes), tuple(shares), chosen.count)
