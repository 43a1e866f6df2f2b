"""Which slice of an image the slice views show, and how to show another one."""

from __future__ import annotations

import math

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from .geometry import array_matrix, ijk_to_ras, voxel_counts
from .nodes import nodes_of_class

_ALIGNED = 0.9
"""Cosine between the normals of a view and of the slices from which on the view counts as one of the slices."""


def shown_slice(scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode, axis: int) -> int | None:
    """Return the slice of a volume's array that a slice view shows.

    Args:
        scene: scene of the views.
        volume_node: the image; its parent transform is regarded.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.

    Returns:
        Index along the axis; None when no view with the volume in the background lies across it, or the view shows
        a place outside of the volume.
    """
    to_world = _ijk_to_world(volume_node)
    for node in _views_across(scene, to_world, axis):
        composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(node)
        if composite is None or composite.GetBackgroundVolumeID() != volume_node.GetID():
            continue
        center = np.linalg.solve(to_world, array_matrix(node.GetSliceToRAS())[:, 3])
        index = math.floor(float(center[2 - axis]) + 0.5)
        if 0 <= index < voxel_counts(volume_node)[axis]:
            return index
    return None


def jump_to_slice(scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode, axis: int, index: int) -> None:
    """Move all slice views that lie across an axis of the volume to one slice; the other views stay.

    Views with another image in the background follow too, so that series stay side by side.

    Args:
        scene: scene of the views.
        volume_node: the image; its parent transform is regarded.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.
        index: slice along the axis.
    """
    to_world = _ijk_to_world(volume_node)
    k, j, i = voxel_counts(volume_node)
    place = np.array([(i - 1) / 2, (j - 1) / 2, (k - 1) / 2, 1])
    place[2 - axis] = index
    r, a, s, _ = to_world @ place
    for node in _views_across(scene, to_world, axis):
        node.JumpSliceByOffsetting(r, a, s)


def _views_across(
    scene: slicer.vtkMRMLScene, to_world: NDArray[np.float64], axis: int
) -> list[slicer.vtkMRMLSliceNode]:
    # The normal of the slices, which is not the direction from slice to slice when a scan was tilted.
    across = np.linalg.inv(to_world)[2 - axis, :3]
    found = []
    for node in nodes_of_class(scene, "vtkMRMLSliceNode"):
        normal = array_matrix(node.GetSliceToRAS())[:3, 2]
        if abs(float(normal @ across)) > _ALIGNED * float(np.linalg.norm(normal) * np.linalg.norm(across)):
            found.append(node)
    return found


def _ijk_to_world(volume_node: slicer.vtkMRMLVolumeNode) -> NDArray[np.float64]:
    """Matrix from voxel indices (I, J, K, 1) to the world; a parent transform counts when it is linear."""
    matrix = vtk.vtkMatrix4x4()
    transform = volume_node.GetParentTransformNode()
    if transform is not None and transform.IsTransformToWorldLinear():
        transform.GetMatrixTransformToWorld(matrix)
    return array_matrix(matrix) @ ijk_to_ras(volume_node)
