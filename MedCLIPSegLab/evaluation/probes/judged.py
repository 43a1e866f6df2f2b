"""Runs that judge, as a person at the panel gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import PromptResult, to_the_end
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

from ...metrics import dice_score

SLICES = 5
"""Slices of a volume that are asked about."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """What came of a run.

    Args:
        results: of the prompts, in their order.
        axis: voxel axis of the slices.
        slices: (first, end) slices that were asked about.
        foreign: how sure it is that the image is foreign, 0…1; None where nobody can tell.
    """

    results: tuple[PromptResult, ...]
    axis: int
    slices: tuple[int, int]
    foreign: float | None

    def dice(self, result: PromptResult, truth: Mask) -> float:
        """Dice of a result with a (K, J, I) mask on the slices that were asked about; 1 when both are empty."""
        return dice_score(self._part(result.mask > 0), self._part(truth))

    def shows(self, truth: Mask) -> bool:
        """True if a (K, J, I) mask has anything on these slices."""
        return bool(self._part(truth).any())

    def _part(self, mask: Mask) -> Mask:
        return mask.take(np.arange(*self.slices), self.axis)


def ask_judged(
    model: LoadedModel, volume: Volume, prompts: Sequence[str], samples: int, truth: Mask | None = None
) -> Judged:
    """Segment an image, or the middle slices of a volume, with a verdict on each answer.

    Args:
        model: with or without knowledge.
        volume: the image.
        prompts: each another.
        samples: Monte-Carlo passes.
        truth: (K, J, I) mask in whose middle the slices are taken; None, or an empty one, takes those of the volume.

    Raises:
        MedCLIPSegError: the image does not fit the machine.
    """
    axis = choose_axis(volume, "auto")
    across = tuple(number for number in range(3) if number != axis.axis)
    shown = np.flatnonzero(truth.any(axis=across)) if truth is not None else np.arange(0)
    middle = int(shown[len(shown) // 2]) if len(shown) else axis.count // 2
    first = max(0, min(middle - SLICES // 2, axis.count - SLICES))
    slices = (first, min(axis.count, first + SLICES))
    request = SegmentationRequest(volume, tuple(prompts), slices=slices, samples=samples, judge=True)
    result = to_the_end(run(model, request))
    foreign = (result.settings.get("sight") or {}).get("foreign")
    return Judged(result.prompts, axis.axis, slices, None if foreign is None else float(foreign))


def verdict_of(result: PromptResult) -> str:
    """Kind of the verdict on an answer."""
    return result.verdict.kind if result.verdict is not None else ""
