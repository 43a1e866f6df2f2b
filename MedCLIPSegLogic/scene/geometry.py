"""Where voxels lie: IJK-to-RAS matrices, parent transforms and the grid of a segmentation."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..volumes.volume import Volume, grid_distance
from .nodes import SegmentationNode, VolumeNode

GRID_TOLERANCE_VOXELS = 1e-3
"""Grids whose corners differ by less than this are the same; files round their matrices."""


def vtk_matrix(matrix: NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """Return a (4, 4) array as a VTK matrix."""
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, np.float64).ravel().tolist())
    return result


def array_matrix(matrix: vtk.vtkMatrix4x4) -> NDArray[np.float64]:
    """Return a VTK matrix as a (4, 4) float64 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def ijk_to_ras(volume_node: VolumeNode) -> NDArray[np.float64]:
    """Return the volume's own (4, 4) matrix in mm, parent transforms left out."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return array_matrix(matrix)


def voxel_counts(volume_node: VolumeNode) -> tuple[int, int, int]:
    """Return the number of voxels along K, J and I.

    Raises:
        MedCLIPSegError: the node holds no voxels.
    """
    image = volume_node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise MedCLIPSegError(f"The volume “{volume_node.GetName()}” has no voxels: load it again or choose another.")
    i, j, k = image.GetDimensions()
    return int(k), int(j), int(i)


def require_shape(volume_node: VolumeNode, shape: tuple[int, ...]) -> None:
    """Make sure that a result still fits the volume it goes to.

    Raises:
        MedCLIPSegError: the numbers of voxels differ.
    """
    present = voxel_counts(volume_node)
    if present != tuple(shape):
        raise MedCLIPSegError(
            f"The result has {_dimensions(shape)} voxels, but the volume “{volume_node.GetName()}” has "
            f"{_dimensions(present)}: run again on this volume."
        )


def require_unchanged(volume_node: VolumeNode, volume: Volume) -> None:
    """Make sure that a volume still has the voxel grid it had when it was taken from the scene.

    Parent transforms don't count: results go under the same transform.

    Raises:
        MedCLIPSegError: other numbers of voxels, or voxels that lie elsewhere.
    """
    require_shape(volume_node, volume.shape)
    if not is_same_grid(volume.ijk_to_ras, ijk_to_ras(volume_node), volume.shape):
        raise MedCLIPSegError(
            f"The volume “{volume_node.GetName()}” was moved or resampled during the run: run again on this volume."
        )


def require_unchanged_grid(map_node: VolumeNode, volume_node: VolumeNode) -> None:
    """Make sure that a map lies on the voxel grid of a volume.

    Raises:
        MedCLIPSegError: its voxels lie elsewhere.
    """
    if not is_same_grid(ijk_to_ras(map_node), ijk_to_ras(volume_node), voxel_counts(volume_node)):
        raise MedCLIPSegError(
            f"The map “{map_node.GetName()}” lies on another voxel grid than the volume “{volume_node.GetName()}”: "
            "run again on this volume."
        )


def follow_transform(node: slicer.vtkMRMLTransformableNode, volume_node: VolumeNode) -> None:
    """Put a node under the parent transform of the volume, or under none if the volume has none."""
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())


def require_same_grid(segmentation_node: SegmentationNode, volume_node: VolumeNode) -> None:
    """Make sure that segments already there lie on the voxels of the volume, before parent transforms.

    A segmentation without segments or without a reference geometry fits every volume.

    Raises:
        MedCLIPSegError: another grid; writing would resample, hence damage, the segments it has.
    """
    segmentation = segmentation_node.GetSegmentation()
    parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    geometry = segmentation.GetConversionParameter(parameter)
    if segmentation.GetNumberOfSegments() == 0 or not geometry:
        return
    matrix, extent = vtk.vtkMatrix4x4(), [0] * 6
    if not slicer.vtkSegmentationConverter.DeserializeImageGeometry(geometry, matrix, extent):
        return
    shape = k, j, i = voxel_counts(volume_node)
    if extent != [0, i - 1, 0, j - 1, 0, k - 1] or not is_same_grid(
        array_matrix(matrix), ijk_to_ras(volume_node), shape
    ):
        raise MedCLIPSegError(
            f"The segmentation “{segmentation_node.GetName()}” lies on another voxel grid than the volume "
            f"“{volume_node.GetName()}”: choose another segmentation or a new one."
        )


def is_same_grid(first: NDArray[np.float64], second: NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """True when two IJK-to-RAS matrices put the voxels of a (K, J, I) shape in the same places."""
    k, j, i = shape[:3]
    return grid_distance(second, first, (k, j, i)) <= GRID_TOLERANCE_VOXELS


def _dimensions(shape: tuple[int, ...]) -> str:
    """Return voxel counts given as (K, J, I) in the order people say them, I × J × K."""
    return " × ".join(str(count) for count in reversed(shape))
