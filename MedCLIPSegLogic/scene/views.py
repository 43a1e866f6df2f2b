"""Which slice of an image the slice views show, and how to show another slice or a place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from .geometry import array_matrix, ijk_to_ras, voxel_counts
from .nodes import Scene, VolumeNode, nodes_of_class

_ALIGNED = 0.9
"""Cosine between the normals of a view and of the slices from which on the view counts as one of the slices."""


def shown_slice(scene: Scene, volume_node: VolumeNode, axis: int) -> int | None:
    """Return the slice of a volume's array that a slice view shows.

    Args:
        scene: scene of the views.
        volume_node: the image; its parent transform is regarded.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.

    Returns:
        Index along the axis; None when no view with the volume in the background lies across it, or the view shows
        a place outside of the volume.
    """
    for node, index, _slope in _views_across(scene, volume_node, axis):
        composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(node)
        if composite is None or composite.GetBackgroundVolumeID() != volume_node.GetID():
            continue
        nearest = math.floor(index + 0.5)
        if 0 <= nearest < voxel_counts(volume_node)[axis]:
            return nearest
    return None


def jump_to_slice(scene: Scene, volume_node: VolumeNode, axis: int, index: int) -> None:
    """Move all slice views that lie across an axis of the volume to one slice; the other views stay.

    Views with another image in the background follow too, so that series stay side by side.

    Args:
        scene: scene of the views.
        volume_node: the image; its parent transform is regarded.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.
        index: slice along the axis.
    """
    for node, shown, slope in _views_across(scene, volume_node, axis):
        slice_to_ras = node.GetSliceToRAS()
        place = array_matrix(slice_to_ras) @ (0, 0, (index - shown) / slope, 1)
        # JumpSliceByOffsetting goes astray where a view was turned to a tilted scan: its normal then isn't of length 1.
        for row in range(3):
            slice_to_ras.SetElement(row, 3, place[row])
        node.UpdateMatrices()


def jump_to_place(scene: Scene, volume_node: VolumeNode, axis: int, place: Sequence[float]) -> tuple[float, ...]:
    """Show a place of a volume in all slice views: those across an axis its slice, the others a plane through it.

    A view is panned only where the place would lie outside of it.

    Args:
        scene: scene of the views.
        volume_node: the image; its parent transform is regarded.
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.
        place: voxel indices (k, j, i), fractions allowed.

    Returns:
        R, A and S of the place in mm.
    """
    jump_to_slice(scene, volume_node, axis, math.floor(place[axis] + 0.5))
    across = {node.GetID() for node, _shown, _slope in _views_across(scene, volume_node, axis)}
    point = ijk_to_world(volume_node) @ (*place[::-1], 1)
    for node in nodes_of_class(scene, "vtkMRMLSliceNode"):
        slice_to_ras = node.GetSliceToRAS()
        matrix = array_matrix(slice_to_ras)
        local = np.linalg.inv(matrix) @ point
        is_outside = np.abs(local[:2]) > np.divide(node.GetFieldOfView()[:2], 2)
        step = (*(local[:2] if is_outside.any() else (0, 0)), 0 if node.GetID() in across else local[2], 1)
        for row, value in enumerate((matrix @ step)[:3]):
            slice_to_ras.SetElement(row, 3, value)
        node.UpdateMatrices()
    return tuple(map(float, point[:3]))


def _views_across(
    scene: Scene, volume_node: VolumeNode, axis: int
) -> Iterator[tuple[slicer.vtkMRMLSliceNode, float, float]]:
    """Views across an axis, the index along it in the middle of the view, and its change with a step of the view."""
    # The normal of the slices is not the direction from slice to slice when a scan was tilted.
    across = np.linalg.inv(ijk_to_world(volume_node))[2 - axis]
    for node in nodes_of_class(scene, "vtkMRMLSliceNode"):
        normal, center = array_matrix(node.GetSliceToRAS())[:, 2:].T
        slope = float(across @ normal)
        if abs(slope) > _ALIGNED * float(np.linalg.norm(across[:3]) * np.linalg.norm(normal)):
            yield node, float(across @ center), slope


def ijk_to_world(volume_node: VolumeNode) -> NDArray[np.float64]:
    """Matrix from voxel indices (I, J, K, 1) to the world; a parent transform counts when it is linear."""
    matrix = vtk.vtkMatrix4x4()
    transform = volume_node.GetParentTransformNode()
    if transform is not None and transform.IsTransformToWorldLinear():
        transform.GetMatrixTransformToWorld(matrix)
    return array_matrix(matrix) @ ijk_to_ras(volume_node)
