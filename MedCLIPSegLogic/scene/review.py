"""Where a segment is uncertain: slice by slice, and as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import bounding_box, voxel_view
from .geometry import require_shape, require_unchanged_grid, voxel_counts
from .nodes import MapNode, SegmentationNode, VolumeNode
from .segmentation import segment_mask
from .volumes import size_of


@dataclass(frozen=True)
class SliceUncertainty:
    """How uncertain a segment is in one slice.

    Args:
        index: slice along the axis, counted from 0.
        mean: mean of the map inside the segment, in the unit of the map (nats).
        boundary: mean of the map along the segment's contour, one pixel to each side.
        voxels: voxels of the segment in the slice.
    """

    index: int
    mean: float
    boundary: float
    voxels: int


@dataclass(frozen=True)
class SegmentStatistics:
    """A segment in numbers.

    Args:
        name: of the segment.
        voxels: voxels inside.
        volume_ml: in millilitres; None for single slices and where the voxel size is unknown.
        area_mm2: of a single slice; None for volumes and where the pixel size is unknown.
        mean_uncertainty: mean of the map inside, in nats; None for an empty segment.
        boundary_uncertainty: mean of the map along the contours, in nats; None for an empty segment.
    """

    name: str
    voxels: int
    volume_ml: float | None
    area_mm2: float | None
    mean_uncertainty: float | None
    boundary_uncertainty: float | None


def slice_uncertainties(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, map_node: MapNode, axis: int
) -> list[SliceUncertainty]:
    """Return the slices with the segment, the most uncertain boundary first.

    An empty segment is reviewed in the slices the map covers, by the mean of the map there.

    Args:
        segmentation_node: segmentation with the segment.
        segment_id: the segment.
        volume_node: the image.
        map_node: map on the voxel grid of the image.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.

    Raises:
        MedCLIPSegError: no such segment, or the map lies on another grid.
    """
    mask, values = _arrays(segmentation_node, segment_id, volume_node, map_node)
    region = bounding_box(mask)
    if region is None:
        slices = _covered_slices(np.moveaxis(values, axis, 0))
    else:
        slices = [
            SliceUncertainty(
                index,
                float(here[inside].mean(dtype=np.float64)),
                float(here[_contour_band(inside)].mean(dtype=np.float64)),
                int(np.count_nonzero(inside)),
            )
            for index, inside, here in _slices_with(mask, values, region, axis)
        ]
    return sorted(slices, key=lambda found: (-found.boundary, found.index))


def segment_statistics(
    segmentation_node: SegmentationNode,
    segment_id: str,
    volume_node: VolumeNode,
    map_node: MapNode | None,
    axis: int = 0,
) -> SegmentStatistics:
    """Return size and uncertainty of a segment.

    Args:
        segmentation_node: segmentation with the segment.
        segment_id: the segment.
        volume_node: the image.
        map_node: uncertainty on the voxel grid of the image; None when there is none.
        axis: array axis across the slices in which contours are taken.

    Raises:
        MedCLIPSegError: no such segment, or the map lies on another grid.
    """
    mean = boundary = None
    if map_node is None:
        mask = segment_mask(segmentation_node, segment_id, volume_node).view(np.bool_)
    else:
        mask, values = _arrays(segmentation_node, segment_id, volume_node, map_node)
        region = bounding_box(mask)
        if region is not None:
            mean = float(values[region][mask[region]].mean(dtype=np.float64))
            along = [here[_contour_band(inside)] for _index, inside, here in _slices_with(mask, values, region, axis)]
            boundary = float(np.concatenate(along).mean(dtype=np.float64))
    name = segmentation_node.GetSegmentation().GetSegment(segment_id).GetName()
    voxels = int(np.count_nonzero(mask))
    volume_ml, area_mm2 = size_of(voxels, volume_node)
    return SegmentStatistics(name, voxels, volume_ml, area_mm2, mean, boundary)


def _arrays(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, map_node: MapNode
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    require_shape(map_node, voxel_counts(volume_node))
    require_unchanged_grid(map_node, volume_node)
    mask = segment_mask(segmentation_node, segment_id, volume_node).view(np.bool_)
    return mask, voxel_view(map_node.GetImageData())


def _slices_with(
    mask: NDArray[np.bool_], values: NDArray[np.float32], region: tuple[slice, slice, slice], axis: int
) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.float32]]]:
    """Index, mask and values (H, W) of each slice the mask meets, cut to its box and one pixel around."""
    start = region[axis].start
    around = tuple(
        part if number == axis else slice(max(part.start - 1, 0), part.stop + 1) for number, part in enumerate(region)
    )
    slices = zip(np.moveaxis(mask[around], axis, 0), np.moveaxis(values[around], axis, 0), strict=True)
    for index, (inside, here) in enumerate(slices, start=start):
        if inside.any():
            yield index, inside, here


def _covered_slices(values: NDArray[np.float32]) -> list[SliceUncertainty]:
    """Slices (the first axis) in which a map holds anything, with its mean there."""
    found = []
    for index in np.flatnonzero((values > 0).any(axis=(1, 2))):
        mean = float(values[index].mean(dtype=np.float64))
        found.append(SliceUncertainty(int(index), mean, mean, 0))
    return found


def _contour_band(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels within one step (up, down, left, right) of the contour of a mask (H, W), inside and outside of it.

    Where the mask touches the edge of the image there is no contour. A mask that fills the image is its own band.
    """
    padded = np.pad(mask, 1, mode="edge")
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    grown, shrunk = mask.copy(), mask.copy()
    for neighbour in neighbours:
        grown |= neighbour
        shrunk &= neighbour
    band = grown & ~shrunk
    return band if band.any() else mask
