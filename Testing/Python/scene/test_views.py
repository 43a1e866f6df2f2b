"""Which slice the views show, and moving them to another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from offscreen_slice import OffscreenSlice
from scene_samples import SHAPE, oblique_matrix

from MedCLIPSegLab.results.headless_scene import HeadlessScene
from MedCLIPSegLogic.scene.geometry import array_matrix, vtk_matrix
from MedCLIPSegLogic.scene.views import jump_to_place, jump_to_slice, shown_slice
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

AXES_OF_VIEWS = {"Axial": 0, "Coronal": 1, "Sagittal": 2}


def straight_matrix() -> NDArray[np.float64]:
    """Return a matrix of a usual scan: I runs to the left, J to the back, K to the head."""
    matrix = np.diag([-0.7, -0.8, 2.5, 1.0])
    matrix[:3, 3] = (30.5, -12, 7)
    return matrix


def tilted_matrix() -> NDArray[np.float64]:
    """Return a matrix of a scan whose slices are tilted against the direction they follow each other in."""
    matrix = straight_matrix()
    matrix[1, 2] = 0.9
    return matrix


@pytest.fixture
def make_view(a_session: HeadlessScene) -> Any:
    """Return a function that adds a view; orientations as the application's, turned to the volume on demand."""

    def make(name: str, orientation: str, background: Any = None, turned_to: Any = None) -> OffscreenSlice:
        view = OffscreenSlice(a_session, name, (60, 60))
        view.node.SetOrientation(orientation)
        if turned_to is not None:
            view.node.RotateToVolumePlane(turned_to)
        if background is not None:
            view.logic.GetSliceCompositeNode().SetBackgroundVolumeID(background.GetID())
            view.logic.FitSliceToBackground()
        return view

    return make


def numbered(matrix: NDArray[np.float64], axis: int) -> Volume:
    """Return a volume whose voxels hold their index along an axis, times ten."""
    shape = [1, 1, 1]
    shape[axis] = SHAPE[axis]
    values = 10 * np.arange(SHAPE[axis], dtype=np.float32).reshape(shape)
    return Volume(np.ascontiguousarray(np.broadcast_to(values, SHAPE)), matrix, "numbered")


def drawn_value(view: OffscreenSlice) -> int:
    """What is drawn in the middle of a view."""
    picture = view.pixels()
    return int(picture[picture.shape[0] // 2, picture.shape[1] // 2, 0])


STRAIGHT = straight_matrix()


@pytest.mark.parametrize("matrix", [STRAIGHT, oblique_matrix(), tilted_matrix()], ids=["straight", "oblique", "tilted"])
@pytest.mark.parametrize(("orientation", "across"), AXES_OF_VIEWS.items())
def test_jumps_to_what_is_drawn(
    a_scene: Any, make_view: Any, matrix: NDArray[np.float64], orientation: str, across: int
) -> None:
    reference = add_volume_node(a_scene, numbered(matrix, 0))
    view = make_view("Red", orientation, reference, turned_to=reference)
    [axis] = [axis for axis in range(3) if shown_slice(a_scene, reference, axis) is not None]
    assert axis == across or matrix is not STRAIGHT
    node = add_volume_node(a_scene, numbered(matrix, axis))
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, 255)
    display.SetInterpolate(False)
    view.logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
    for index in (0, 2, SHAPE[axis] - 1, 1):
        jump_to_slice(a_scene, node, axis, index)
        assert shown_slice(a_scene, node, axis) == index
        assert drawn_value(view) == 10 * index


def test_shown_slice_is_where_the_view_is(a_scene: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    view = make_view("Red", "Axial", node)
    for index in range(SHAPE[0]):
        # Anywhere within half a voxel.
        for shift in (-0.45, 0, 0.45):
            view.logic.SetSliceOffset(7 + 2.5 * (index + shift))
            assert shown_slice(a_scene, node, 0) == index
    for offset in (7 - 2.5 * 0.6, 7 + 2.5 * 3.6):
        view.logic.SetSliceOffset(offset)
        assert shown_slice(a_scene, node, 0) is None


def test_panned_and_zoomed_views_count(a_scene: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    view = make_view("Red", "Axial", node)
    jump_to_slice(a_scene, node, 0, 2)
    view.node.SetXYZOrigin(200, -300, 0)
    view.node.SetFieldOfView(3, 3, 1)
    assert shown_slice(a_scene, node, 0) == 2


def test_no_view_shows_it(a_scene: Any, a_volume_node: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    assert shown_slice(a_scene, node, 0) is None
    make_view("Red", "Axial", a_volume_node)
    make_view("Green", "Axial")
    assert shown_slice(a_scene, node, 0) is None


def test_first_view_of_the_volume_counts(a_scene: Any, a_volume_node: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    views = [
        make_view("Red", "Axial", a_volume_node),
        make_view("Green", "Coronal", node),
        make_view("Yellow", "Axial", node),
        make_view("Slice4", "Axial", node),
    ]
    for view, index in zip(views, (3, 0, 2, 1), strict=True):
        view.logic.SetSliceOffset(7 + 2.5 * index)
    assert shown_slice(a_scene, node, 0) == 2


def test_views_along_the_axis_move_together_and_others_stay(a_scene: Any, a_volume_node: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    red, linked, other = (
        make_view("Red", "Axial", node),
        make_view("Slice4", "Axial", node),
        make_view("Slice5", "Axial", a_volume_node),
    )
    linked.logic.GetSliceCompositeNode().SetLinkedControl(1)
    coronal, sagittal = make_view("Green", "Coronal", node), make_view("Yellow", "Sagittal", node)
    before = [view.logic.GetSliceOffset() for view in (coronal, sagittal)]
    jump_to_slice(a_scene, node, 0, 3)
    for view in (red, linked, other):
        assert view.logic.GetSliceOffset() == pytest.approx(7 + 2.5 * 3)
    assert [view.logic.GetSliceOffset() for view in (coronal, sagittal)] == before


def test_jump_keeps_pan_zoom_and_direction(a_scene: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(oblique_matrix(), 0))
    view = make_view("Red", "Axial", node, turned_to=node)
    axis = next(axis for axis in range(3) if shown_slice(a_scene, node, axis) is not None)
    view.node.SetFieldOfView(5, 5, 1)
    view.node.SetXYZOrigin(2, 3, 0)

    def look() -> list[float]:
        directions = array_matrix(view.node.GetSliceToRAS())[:3, :3].ravel()
        return [*view.node.GetFieldOfView(), *view.node.GetXYZOrigin(), *directions]

    before = look()
    jump_to_slice(a_scene, node, axis, 0)
    jump_to_slice(a_scene, node, axis, 2)
    assert look() == pytest.approx(before)


def test_all_views_go_to_a_place_and_pan_only_when_it_is_outside(a_scene: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    views = [make_view(name, direction, node) for name, direction in zip("RGY", AXES_OF_VIEWS, strict=True)]
    views[1].node.SetFieldOfView(1, 1, 1)
    before = [array_matrix(view.node.GetSliceToRAS())[:3, 3] for view in views]
    point = jump_to_place(a_scene, node, 0, (2.4, 8, 1.5))
    assert point == pytest.approx((30.5 - 0.7 * 1.5, -12 - 0.8 * 8, 7 + 2.5 * 2.4))
    axial, coronal, sagittal = [array_matrix(view.node.GetSliceToRAS())[:3, 3] for view in views]
    assert axial == pytest.approx((*before[0][:2], 7 + 2.5 * 2))  # the slice, not between two
    assert coronal == pytest.approx(point)
    assert sagittal == pytest.approx((point[0], *before[2][1:]))


def test_parent_transforms_are_regarded(a_scene: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    # The K axis becomes the one to the front.
    transform.SetMatrixTransformToParent(
        vtk_matrix(np.array([[1, 0, 0, 4], [0, 0, 1, 100], [0, -1, 0, 3], [0, 0, 0, 1]], np.float64))
    )
    node.SetAndObserveTransformNodeID(transform.GetID())
    axial, coronal = make_view("Red", "Axial", node), make_view("Green", "Coronal", node)
    coronal.logic.SetSliceOffset(100 + 7 + 2.5 * 1)
    assert shown_slice(a_scene, node, 0) == 1
    before = axial.logic.GetSliceOffset()
    jump_to_slice(a_scene, node, 0, 3)
    assert coronal.logic.GetSliceOffset() == pytest.approx(100 + 7 + 2.5 * 3)
    assert axial.logic.GetSliceOffset() == before


def test_views_between_the_axes_show_no_slice(a_scene: Any, make_view: Any) -> None:
    node = add_volume_node(a_scene, numbered(straight_matrix(), 0))
    view = make_view("Red", "Axial", node)
    to_ras = view.node.GetSliceToRAS()
    angle = np.radians(45)
    for row, column, value in (
        (1, 1, np.cos(angle)),
        (1, 2, -np.sin(angle)),
        (2, 1, np.sin(angle)),
        (2, 2, np.cos(angle)),
    ):
        to_ras.SetElement(row, column, value)
    view.node.UpdateMatrices()
    assert [shown_slice(a_scene, node, axis) for axis in range(3)] == [None, None, None]


def test_single_slice(a_scene: Any, a_picture: Volume, make_view: Any) -> None:
    node = add_volume_node(a_scene, a_picture)
    make_view("Red", "Axial", node)
    assert shown_slice(a_scene, node, 0) == 0
    jump_to_slice(a_scene, node, 0, 0)
    assert shown_slice(a_scene, node, 0) == 0
