"""Where a segment is uncertain: slice by slice, and as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer
from numpy.typing import NDArray

from .arrays import voxel_view
from .geometry import ijk_to_ras, require_shape, voxel_counts
from .segmentation import segment_mask
from .volumes import is_picture_grid


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
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_id: str,
    volume_node: slicer.vtkMRMLVolumeNode,
    map_node: slicer.vtkMRMLScalarVolumeNode,
    axis: int,
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
    mask, values = np.moveaxis(mask, axis, 0), np.moveaxis(values, axis, 0)
    slices: list[SliceUncertainty] = []
    covered = mask.any(axis=(1, 2))
    if not covered.any():
        for index in np.flatnonzero((values > 0).any(axis=(1, 2))):
            mean = float(values[index].mean(dtype=np.float64))
            slices.append(SliceUncertainty(int(index), mean, mean, 0))
    for index in np.flatnonzero(covered):
        inside, band = mask[index], _contour_band(mask[index])
        slices.append(
            SliceUncertainty(
                int(index),
                float(values[index][inside].mean(dtype=np.float64)),
                float(values[index][band].mean(dtype=np.float64)),
                int(np.count_nonzero(inside)),
            )
        )
    return sorted(slices, key=lambda found: (-found.boundary, found.index))


def segment_statistics(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_id: str,
    volume_node: slicer.vtkMRMLVolumeNode,
    map_node: slicer.vtkMRMLScalarVolumeNode | None,
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
    name = segmentation_node.GetSegmentation().GetSegment(segment_id).GetName()
    if map_node is None:
        mask, mean, boundary = segment_mask(segmentation_node, segment_id, volume_node) > 0, None, None
    else:
        mask, values = _arrays(segmentation_node, segment_id, volume_node, map_node)
        mean = float(values[mask].mean(dtype=np.float64)) if mask.any() else None
        boundary = _boundary_mean(np.moveaxis(mask, axis, 0), np.moveaxis(values, axis, 0))
    voxels = int(np.count_nonzero(mask))
    matrix, shape = ijk_to_ras(volume_node), voxel_counts(volume_node)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)[::-1]
    volume_ml = area_mm2 = None
    if not is_picture_grid(shape, matrix):
        if 1 in shape:
            area_mm2 = voxels * float(np.prod(np.delete(spacing, shape.index(1))))
        else:
            volume_ml = voxels * float(np.prod(spacing)) / 1000
    return SegmentStatistics(name, voxels, volume_ml, area_mm2, mean, boundary)


def _arrays(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_id: str,
    volume_node: slicer.vtkMRMLVolumeNode,
    map_node: slicer.vtkMRMLScalarVolumeNode,
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    require_shape(map_node, voxel_counts(volume_node))
    mask = segment_mask(segmentation_node, segment_id, volume_node).view(np.bool_)
    return mask, voxel_view(map_node.GetImageData())


def _boundary_mean(mask: NDArray[np.bool_], values: NDArray[np.float32]) -> float | None:
    total, count = 0.0, 0
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        along = values[index][_contour_band(mask[index])]
        total, count = total + float(along.sum(dtype=np.float64)), count + along.size
    return total / count if count else None


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
