"""Places in the slices the model sees, against the voxels that lie there."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scene_samples import SHAPE, oblique_matrix

from MedCLIPSegLab.results.headless_scene import HeadlessScene
from MedCLIPSegLogic.scene.geometry import vtk_matrix
from MedCLIPSegLogic.scene.slice_share import slice_share
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

FLIPPED = np.diag([0.7, 0.8, -2.5, 1.0])
EXCHANGED = np.array([[0, 2.0, 0, 5], [1.5, 0, 0, -3], [0, 0, 3.0, 1], [0, 0, 0, 1]])


@pytest.mark.parametrize("plane", get_args(Plane))
@pytest.mark.parametrize("matrix", [FLIPPED, -FLIPPED, EXCHANGED, oblique_matrix()], ids=range(4))
@pytest.mark.parametrize("isMoved", [False, True])
def test_the_share_leads_to_the_voxel(
    a_session: HeadlessScene, plane: Plane, matrix: NDArray[np.float64], isMoved: bool
) -> None:
    matrix = matrix.copy()
    matrix[3, 3] = 1
    index = np.array([1, 2, 3])  # K, J, I
    voxels = np.zeros(SHAPE, np.float32)
    voxels[tuple(index)] = 1
    volume = Volume(voxels, matrix, "marked")
    node: Any = add_volume_node(a_session.scene, volume)
    point = matrix @ (*index[::-1], 1)
    if isMoved:
        transform = a_session.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        moved = np.diag([-1.0, 1, 1, 1])
        moved[:3, 3] = (10, 20, 30)
        transform.SetMatrixTransformToParent(vtk_matrix(moved))
        node.SetAndObserveTransformNodeID(transform.GetID())
        point = moved @ point
    axis = choose_axis(volume, plane)
    shown = axis.extract(voxels, int(index[axis.axis]))
    x, y = slice_share(node, axis, point[:3])
    height, width = shown.shape
    assert shown[int(y * height), int(x * width)] == 1
    assert (x * width % 1, y * height % 1) == pytest.approx((0.5, 0.5))


def test_a_point_outside_is_outside(a_session: HeadlessScene) -> None:
    picture = np.zeros((1, 4, 8), np.uint8)
    volume = Volume(picture, np.diag([-1.0, -1, 1, 1]), "picture")
    node = add_volume_node(a_session.scene, volume)
    axis = choose_axis(volume, "auto")
    assert slice_share(node, axis, (-7, -3, 0)) == pytest.approx((15 / 16, 7 / 8))
    assert slice_share(node, axis, (8, 0, 0))[0] < 0
