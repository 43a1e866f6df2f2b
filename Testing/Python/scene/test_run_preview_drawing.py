"""The masks of a run as drawn in a slice view, and how long they take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vtk
from offscreen_slice import OffscreenSlice
from preview_samples import BLUE, RED, preview

from MedCLIPSegLab.results.headless_scene import HeadlessScene
from MedCLIPSegLogic.scene.run_preview import RunPreview
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

SIZE = (480, 400)


@pytest.fixture
def a_grey_node(a_scene: Any) -> Any:
    voxels = np.full((1, 40, 48), 100, np.float32)
    node = add_volume_node(a_scene, Volume(voxels, PICTURE_IJK_TO_RAS, "grey", spacing_known=False))
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevelMinMax(0, 200)
    return node


def drawn(view: OffscreenSlice, row: int, column: int) -> list[int]:
    """Color in the middle of a voxel of the 40 × 48 picture, which fills the view of 400 × 480 pixels."""
    return view.pixels()[row * 10 + 5, column * 10 + 5].astype(int).tolist()


@pytest.mark.parametrize("shift", [0.0, 15.0])
def test_drawn_where_the_probability_exceeds_the_threshold(
    a_session: HeadlessScene, a_scene: Any, a_grey_node: Any, shift: float
) -> None:
    if shift:
        transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, shift)
        transform.SetMatrixTransformToParent(matrix)
        a_grey_node.SetAndObserveTransformNodeID(transform.GetID())
    view = OffscreenSlice(a_session, "Red", SIZE)
    view.show(a_grey_node)
    before = view.pixels()
    first, second = (np.zeros((40, 48), np.float32) for _ in range(2))
    first[5:20, 5:30], second[10:30, 20:40] = 0.6, 0.9
    first[30:35, 5:10] = 0.4
    shown = RunPreview(a_scene, a_grey_node, (RED, BLUE), (0.5, 0.8))
    shown.show(preview(first))
    shown.show(preview(second, prompt_number=1))
    grey = drawn(view, 2, 2)
    assert grey[0] == grey[1] == grey[2]
    assert drawn(view, 32, 7) == grey
    red, over, blue = drawn(view, 7, 10), drawn(view, 15, 25), drawn(view, 25, 35)
    assert red[0] > grey[0] + 40
    assert red[1] == red[2] < grey[1] - 40
    assert blue[2] > grey[2] + 40
    assert blue[0] == blue[1] < grey[0] - 40
    assert over == blue
    changed = (view.pixels() != before).any(axis=2)
    wanted = np.kron((first > 0.5) | (second > 0.8), np.ones((10, 10))) > 0
    # The view's pixels at the edge of a voxel may belong to either side.
    assert np.mean(changed != wanted) < 0.02
    shown.remove()
    assert np.array_equal(view.pixels(), before)
