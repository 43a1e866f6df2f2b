"""Joining the slices of a new run with what an earlier run left."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ..inference.result import SegmentationResult


def is_partial(result: SegmentationResult) -> bool:
    """True when the run left out at least one slice of the volume."""
    return len(set(result.slice_indices)) < result.volume.shape[result.slice_axis]


def merge_slices(earlier: NDArray[Any], new: NDArray[Any], result: SegmentationResult) -> NDArray[Any]:
    """Return a copy of ``earlier`` in which the slices of the run are those of ``new``.

    Args:
        earlier: (K, J, I) values of an earlier run.
        new: (K, J, I) values of this run, same shape.
        result: tells which slices were run.
    """
    index: list[Any] = [slice(None)] * 3
    index[result.slice_axis] = list(result.slice_indices)
    merged = earlier.copy()
    merged[tuple(index)] = new[tuple(index)]
    return merged
