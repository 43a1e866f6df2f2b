"""Which part of a volume a run covered."""

from __future__ import annotations

from ..inference.result import SegmentationResult


def is_partial(result: SegmentationResult) -> bool:
    """True when the run left out at least one slice of the volume."""
    return len(set(result.slice_indices)) < result.volume.shape[result.slice_axis]


def part_of(result: SegmentationResult) -> tuple[slice | list[int], ...]:
    """Return the index into (K, J, I) voxels of the slices that were run."""
    return (slice(None),) * result.slice_axis + (list(result.slice_indices),)
