"""Where a segment is uncertain: the stops of a walk through the image, and the segment as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.result import MAX_ENTROPY
from .arrays import bounding_box, voxel_view
from .geometry import require_shape, require_unchanged_grid, voxel_counts
from .nodes import MapNode, SegmentationNode, VolumeNode
from .segmentation import segment_mask
from .volumes import size_of

UNCERTAIN_NATS = 0.3
"""Entropy from which on a voxel counts, that of a probability of 0.09 or 0.91: faint doubt all over a large image must
not outweigh a place that is undecided. On validation volumes any limit up to 0.5 finds errors as early."""

FAINTEST_REGION = 1.0
"""Undecided voxels from which on a region of a single slice is a stop."""


@dataclass(frozen=True)
class Stop:
    """A place worth a look: a slice at its most uncertain region, or a region of the only slice.

    Uncertainty is told in undecided voxels: the entropy of the voxels that count, as a share of the largest entropy,
    summed up. Ten voxels at a probability of 0.5 are ten of them, twenty voxels that are half as uncertain too.

    Args:
        index: slice along the axis, counted from 0.
        inside: undecided voxels in the segment.
        outside: undecided voxels outside of it, where something may have been missed.
        place: voxel indices (k, j, i) in the middle of the region, or in the voxel of it that is next to the middle.
    """

    index: int
    inside: float
    outside: float
    place: tuple[float, float, float]

    @property
    def undecided(self) -> float:
        """All undecided voxels: what the walk goes by."""
        return self.inside + self.outside


@dataclass(frozen=True)
class SegmentStatistics:
    """A segment in numbers.

    Args:
        name: of the segment.
        voxels: voxels inside.
        volume_ml: in millilitres; None for single slices and where the voxel size is unknown.
        area_mm2: of a single slice; None for volumes and where the pixel size is unknown.
        mean_uncertainty: mean of the map inside, in nats; None for an empty segment.
    """

    name: str
    voxels: int
    volume_ml: float | None
    area_mm2: float | None
    mean_uncertainty: float | None


def uncertain_stops(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, map_node: MapNode, axis: int
) -> list[Stop]:
    """Return where to look for errors of a segment, the most undecided voxels first, inside and outside of it alike.

    Slices without an uncertain voxel are no stops.

    Args:
        segmentation_node: segmentation with the segment.
        segment_id: the segment.
        volume_node: the image.
        map_node: uncertainty in nats on the voxel grid of the image.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.

    Raises:
        MedCLIPSegError: no such segment, or the map lies on another grid.
    """
    mask, values = (
        np.moveaxis(each, axis, 0) for each in _arrays(segmentation_node, segment_id, volume_node, map_node)
    )
    stops: list[Stop] = []
    for index, (inside, here) in enumerate(zip(mask, values, strict=True)):
        regions = _Regions(inside, here)
        if len(mask) == 1:
            chosen = [number for number, mass in enumerate(regions.masses) if mass >= FAINTEST_REGION]
            stops += [regions.stop(number, index, axis, alone=True) for number in chosen]
        elif regions.masses.size:
            stops.append(regions.stop(int(regions.masses.argmax()), index, axis, alone=False))
    return sorted(stops, key=lambda stop: (-stop.undecided, stop.index))


def segment_statistics(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, map_node: MapNode | None
) -> SegmentStatistics:
    """Return size and uncertainty of a segment.

    Args:
        segmentation_node: segmentation with the segment.
        segment_id: the segment.
        volume_node: the image.
        map_node: uncertainty on the voxel grid of the image; None when there is none.

    Raises:
        MedCLIPSegError: no such segment, or the map lies on another grid.
    """
    mean = None
    if map_node is None:
        mask = segment_mask(segmentation_node, segment_id, volume_node).view(np.bool_)
    else:
        mask, values = _arrays(segmentation_node, segment_id, volume_node, map_node)
        region = bounding_box(mask)
        if region is not None:
            mean = float(values[region][mask[region]].mean(dtype=np.float64))
    name = segmentation_node.GetSegmentation().GetSegment(segment_id).GetName()
    voxels = int(np.count_nonzero(mask))
    volume_ml, area_mm2 = size_of(voxels, volume_node)
    return SegmentStatistics(name, voxels, volume_ml, area_mm2, mean)


def _arrays(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, map_node: MapNode
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    require_shape(map_node, voxel_counts(volume_node))
    require_unchanged_grid(map_node, volume_node)
    mask = segment_mask(segmentation_node, segment_id, volume_node).view(np.bool_)
    return mask, voxel_view(map_node.GetImageData())


class _Regions:
    """The connected regions of uncertain voxels in a slice.

    * ``masses``: undecided voxels of each.

    Args:
        inside: mask (H, W).
        values: entropies (H, W) in nats.
    """

    def __init__(self, inside: NDArray[np.bool_], values: NDArray[np.float32]) -> None:
        from scipy import ndimage

        uncertain = values > UNCERTAIN_NATS
        box = bounding_box(uncertain[np.newaxis]) or (slice(0), slice(0), slice(0))
        self._part = box[1:]
        self._weights = np.where(uncertain, values, 0)[self._part].astype(np.float64) / MAX_ENTROPY
        self._inside = inside[self._part]
        diagonal_too = np.ones((3, 3))
        self._labels, count = ndimage.label(self._weights, structure=diagonal_too)
        self.masses = self._sums(self._weights, count)
        self._within = self._sums(self._weights * self._inside, count)

    def _sums(self, weights: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        return np.asarray(np.bincount(self._labels.ravel(), weights.ravel(), count + 1)[1:], np.float64)

    def stop(self, number: int, index: int, axis: int, alone: bool) -> Stop:
        """The stop at a region; its masses are those of all regions of the slice unless it is to stand alone."""
        part = [number] if alone else slice(None)
        within, mass = float(self._within[part].sum()), float(self.masses[part].sum())
        place = [start.start + middle for start, middle in zip(self._part, self._middle(number), strict=True)]
        place.insert(axis, index)
        k, j, i = map(float, place)
        return Stop(index, within, mass - within, (k, j, i))

    def _middle(self, number: int) -> tuple[float, float]:
        """Row and column in the box."""
        is_here = self._labels == number + 1
        rows, columns = np.nonzero(is_here)
        weights = self._weights[is_here]
        row, column = np.average(rows, weights=weights), np.average(columns, weights=weights)
        if not is_here[round(row), round(column)]:  # the middle of a ring is not in doubt itself
            nearest = np.argmin((rows - row) ** 2 + (columns - column) ** 2)
            row, column = rows[nearest], columns[nearest]
        return row, column
