"""What a zero-shot run yields beside the maps that every run has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..inference.result import SegmentationResult

Status = Literal["found", "nothing found", "no content"]


@dataclass(frozen=True)
class FoundObject:
    """An object of the coarse mask, in pixels of the slice as it is displayed: first column, then row, from 0.

    Args:
        box: (left, top, right, bottom) as SAM was given it; None when it was given points alone.
        points: (column, row) of the points SAM was given.
        area: pixels of the object in the coarse mask.
        confidence: mean saliency inside, 0…1.
        quality: SAM's own estimate of the overlap (IoU) of its mask with the object; None without SAM.
    """

    box: tuple[float, float, float, float] | None
    points: tuple[tuple[float, float], ...]
    area: int
    confidence: float
    quality: float | None


@dataclass(frozen=True)
class SliceFinding:
    """What became of a prompt in a slice.

    Args:
        slice_index: along the slice axis.
        status: "nothing found" when no part of the coarse mask is an object; "no content" for a slice that was skipped
            because it is flat.
        threshold: saliency above which a pixel was in the coarse mask; None for a CRF or a map without contrast.
        objects: the largest first.
    """

    slice_index: int
    status: Status
    threshold: float | None
    objects: tuple[FoundObject, ...]

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class ZeroShotResult(SegmentationResult):
    """A result whose probability is the score map and whose uncertainty is the entropy of that; no samples are drawn.

    Args:
        saliency: float32 (K, J, I), 0…1, one map per prompt; 0 in slices that were not asked for or skipped.
            Empty in a run without maps.
        findings: for each prompt, one entry per slice in the order of ``slice_indices``.
    """

    saliency: tuple[NDArray[np.float32], ...]
    findings: tuple[tuple[SliceFinding, ...], ...]
