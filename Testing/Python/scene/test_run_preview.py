"""The masks of a run in the slice views, and nothing of them afterwards."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import slicer
from numpy.typing import NDArray
from preview_samples import GREEN, RED, preview
from scene_samples import SHAPE

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.arrays import copy_voxels
from MedCLIPSegLogic.scene.geometry import ijk_to_ras
from MedCLIPSegLogic.scene.nodes import nodes_of_class
from MedCLIPSegLogic.scene.run_preview import RunPreview
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

COMPOSITE = "vtkMRMLSliceCompositeNode"
LABEL_MAP = "vtkMRMLLabelMapVolumeNode"


def composite_xml(scene: Any) -> list[str]:
    """What a saved scene holds of each slice view's layers."""
    scene.SetSaveToXMLString(1)
    scene.Commit()
    text = scene.GetSceneXMLString()
    scene.SetSaveToXMLString(0)
    return re.findall(r"<SliceComposite\b.*?>", text, re.DOTALL)


def node_ids(scene: Any) -> list[str]:
    return [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]


def label_map_of(scene: Any) -> Any:
    [node] = [node for node in nodes_of_class(scene, LABEL_MAP) if node.GetName() == "MedCLIPSeg preview"]
    return node


def labels(scene: Any) -> NDArray[Any]:
    return copy_voxels(label_map_of(scene).GetImageData())


def add_composite(scene: Any, name: str, background: Any) -> Any:
    node = slicer.vtkMRMLSliceCompositeNode()
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    node.SetBackgroundVolumeID(background.GetID() if background is not None else None)
    return scene.AddNode(node)


@pytest.fixture
def an_other_volume(a_scene: Any, a_volume: Volume) -> Any:
    return add_volume_node(a_scene, a_volume)


@pytest.fixture
def a_label_map(a_scene: Any) -> Any:
    """A label map of the user."""
    return a_scene.AddNewNodeByClass(LABEL_MAP, "mine")


@pytest.fixture
def four_views(a_scene: Any, a_volume_node: Any, an_other_volume: Any, a_label_map: Any) -> list[Any]:
    """The image with a label layer; the image alone; another image with a label layer; nothing."""
    red = add_composite(a_scene, "Red", a_volume_node)
    red.SetForegroundVolumeID(an_other_volume.GetID())
    red.SetLabelVolumeID(a_label_map.GetID())
    red.SetLabelOpacity(0.1 + 0.2)
    red.SetAttribute("Someone.Else", "kept")
    green = add_composite(a_scene, "Green", a_volume_node)
    green.SetLinkedControl(1)
    yellow = add_composite(a_scene, "Yellow", an_other_volume)
    yellow.SetLabelVolumeID(a_label_map.GetID())
    return [red, green, yellow, add_composite(a_scene, "Slice4", None)]


@pytest.fixture
def a_run_preview(a_scene: Any, a_volume_node: Any, four_views: list[Any]) -> RunPreview:
    return RunPreview(a_scene, a_volume_node, (RED, GREEN), (0.5, 0.8))


@pytest.fixture
def a_box() -> NDArray[np.float32]:
    """A probability of 0.7 in a box of a slice across K."""
    values = np.zeros(SHAPE[1:], np.float32)
    values[2:6, 3:9] = 0.7
    return values


def test_views_and_scene_are_the_same_afterwards(
    a_scene: Any, a_run_preview: RunPreview, four_views: list[Any], a_box: NDArray[np.float32]
) -> None:
    views, nodes = composite_xml(a_scene), node_ids(a_scene)
    assert len(views) == 4
    for index in range(SHAPE[0]):
        a_run_preview.show(preview(a_box, slice_index=index))
    assert composite_xml(a_scene) != views
    assert len(node_ids(a_scene)) == len(nodes) + 3
    a_run_preview.remove()
    assert composite_xml(a_scene) == views
    assert node_ids(a_scene) == nodes
    a_run_preview.remove()
    assert node_ids(a_scene) == nodes


def test_nothing_is_added_before_there_is_something_to_show(
    a_scene: Any, a_volume_node: Any, four_views: list[Any]
) -> None:
    views, nodes = composite_xml(a_scene), node_ids(a_scene)
    unused = RunPreview(a_scene, a_volume_node, (RED,), (0.5,))
    assert (composite_xml(a_scene), node_ids(a_scene)) == (views, nodes)
    unused.remove()
    assert (composite_xml(a_scene), node_ids(a_scene)) == (views, nodes)


def test_views_of_other_images_are_left_alone(
    a_scene: Any, a_run_preview: RunPreview, four_views: list[Any], a_label_map: Any, a_box: NDArray[np.float32]
) -> None:
    red, green, yellow, empty = four_views
    a_run_preview.show(preview(a_box))
    shown = label_map_of(a_scene).GetID()
    assert [view.GetLabelVolumeID() for view in (red, green, empty)] == [shown] * 3
    assert red.GetLabelOpacity() == 0.5
    assert (yellow.GetLabelVolumeID(), yellow.GetLabelOpacity()) == (a_label_map.GetID(), 1.0)


def test_the_nodes_are_hidden_and_not_saved(
    a_scene: Any, a_run_preview: RunPreview, a_volume_node: Any, a_box: NDArray[np.float32]
) -> None:
    before = set(node_ids(a_scene))
    a_run_preview.show(preview(a_box))
    added = [a_scene.GetNodeByID(node_id) for node_id in set(node_ids(a_scene)) - before]
    assert sorted(node.GetClassName() for node in added) == [
        "vtkMRMLColorTableNode",
        "vtkMRMLLabelMapVolumeDisplayNode",
        LABEL_MAP,
    ]
    for node in added:
        assert node.GetHideFromEditors()
        assert not node.GetSaveWithScene()
    assert np.array_equal(ijk_to_ras(label_map_of(a_scene)), ijk_to_ras(a_volume_node))


def test_a_scene_saved_meanwhile_has_nothing_of_it(
    a_scene: Any, a_run_preview: RunPreview, a_box: NDArray[np.float32], tmp_path: Any
) -> None:
    a_run_preview.show(preview(a_box))
    assert a_scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    loaded = create_scene()
    assert loaded.scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    assert [node.GetName() for node in nodes_of_class(loaded.scene, LABEL_MAP)] == ["mine"]
    assert nodes_of_class(loaded.scene, "vtkMRMLVolumeNode")
    for view in nodes_of_class(loaded.scene, COMPOSITE):
        node_id = view.GetLabelVolumeID()
        assert node_id is None or loaded.scene.GetNodeByID(node_id).GetName() == "mine"


def test_a_slice_goes_where_it_was_taken(a_scene: Any, a_volume_node: Any) -> None:
    for axis in (0, 1, 2):
        a_run_preview = RunPreview(a_scene, a_volume_node, (RED, GREEN), (0.5, 0.5))
        probability = np.random.default_rng(3).random(SHAPE, np.float32)
        for index in (1, 2, 0):
            a_run_preview.show(preview(probability.take(index, axis), slice_axis=axis, slice_index=index))
        wanted = (probability > 0.5).astype(np.uint8)
        np.moveaxis(wanted, axis, 0)[3:] = 0
        assert np.array_equal(labels(a_scene), wanted)
        a_run_preview.remove()


def test_a_voxel_at_the_threshold_is_outside(a_scene: Any, a_run_preview: RunPreview) -> None:
    values = np.full(SHAPE[1:], 0.5, np.float32)
    values[0, 0] = np.nextafter(np.float32(0.5), np.float32(1))
    a_run_preview.show(preview(values))
    assert np.argwhere(labels(a_scene)).tolist() == [[0, 0, 0]]


def test_later_prompts_lie_over_earlier_ones_and_uncover_them_again(a_scene: Any, a_run_preview: RunPreview) -> None:
    first, wide, narrow = (np.zeros(SHAPE[1:], np.float32) for _ in range(3))
    first[:, :6], wide[:, 4:10], narrow[:, 8:10] = 0.6, 0.9, 0.9
    a_run_preview.show(preview(first))
    a_run_preview.show(preview(wide, prompt_number=1))
    assert labels(a_scene)[0, 0].tolist() == [1] * 4 + [2] * 6 + [0] * 2
    a_run_preview.show(preview(narrow, prompt_number=1, samples=2))
    assert labels(a_scene)[0, 0].tolist() == [1] * 6 + [0] * 2 + [2] * 2 + [0] * 2
    a_run_preview.show(preview(first, slice_index=1))
    assert labels(a_scene)[1, 0].tolist() == [1] * 6 + [0] * 6
    assert labels(a_scene)[0, 0].tolist() == [1] * 6 + [0] * 2 + [2] * 2 + [0] * 2


def test_every_prompt_has_its_threshold(a_scene: Any, a_run_preview: RunPreview, a_box: NDArray[np.float32]) -> None:
    a_run_preview.show(preview(a_box, prompt_number=1))
    assert not labels(a_scene).any()
    a_run_preview.show(preview(a_box, prompt_number=0))
    assert np.array_equal(labels(a_scene)[0], a_box > 0.5)


def test_more_prompts_than_a_byte_can_count(a_scene: Any, a_volume_node: Any, a_box: NDArray[np.float32]) -> None:
    many = RunPreview(a_scene, a_volume_node, (RED,) * 300, (0.5,) * 300)
    many.show(preview(a_box, prompt_number=299))
    assert labels(a_scene).max() == 300


def test_it_lies_under_the_transform_of_the_volume(
    a_scene: Any, a_run_preview: RunPreview, a_volume_node: Any, a_box: NDArray[np.float32]
) -> None:
    nodes = set(node_ids(a_scene))
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    a_run_preview.show(preview(a_box))
    assert label_map_of(a_scene).GetTransformNodeID() == transform.GetID()
    a_volume_node.SetAndObserveTransformNodeID(None)
    a_run_preview.show(preview(a_box))
    assert label_map_of(a_scene).GetTransformNodeID() is None
    a_run_preview.remove()
    assert set(node_ids(a_scene)) == nodes | {transform.GetID()}


def test_a_volume_deleted_meanwhile(
    a_scene: Any, a_run_preview: RunPreview, four_views: list[Any], a_volume_node: Any, a_box: NDArray[np.float32]
) -> None:
    a_run_preview.show(preview(a_box))
    a_scene.RemoveNode(a_volume_node)
    views, nodes = composite_xml(a_scene), node_ids(a_scene)
    a_run_preview.show(preview(a_box, slice_index=1))
    assert composite_xml(a_scene) == views
    a_run_preview.remove()
    assert len(node_ids(a_scene)) == len(nodes) - 3
    assert nodes_of_class(a_scene, LABEL_MAP) == [a_scene.GetFirstNodeByName("mine")]
    assert four_views[0].GetLabelVolumeID() == a_scene.GetFirstNodeByName("mine").GetID()


def test_a_volume_that_lost_its_voxels_meanwhile(
    a_scene: Any, a_run_preview: RunPreview, a_volume_node: Any, a_box: NDArray[np.float32]
) -> None:
    views = composite_xml(a_scene)
    a_volume_node.SetAndObserveImageData(None)
    a_run_preview.show(preview(a_box))
    assert labels(a_scene).sum() == 24
    a_run_preview.remove()
    assert composite_xml(a_scene) == views


def test_a_volume_without_voxels_is_refused(a_scene: Any) -> None:
    empty = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")
    with pytest.raises(MedCLIPSegError, match="hollow"):
        RunPreview(a_scene, empty, (RED,), (0.5,))


def test_a_scene_closed_meanwhile_keeps_its_new_nodes(
    a_scene: Any, a_run_preview: RunPreview, four_views: list[Any], a_volume: Volume, a_box: NDArray[np.float32]
) -> None:
    a_run_preview.show(preview(a_box))
    old_id = label_map_of(a_scene).GetID()
    a_scene.Clear(False)
    fresh = add_volume_node(a_scene, a_volume)
    new_labels = [a_scene.AddNewNodeByClass(LABEL_MAP, "new") for _ in range(3)]
    # The closed scene's IDs are given out again, which must not make the nodes ours.
    assert old_id in [node.GetID() for node in new_labels]
    for view in four_views:
        view.SetBackgroundVolumeID(fresh.GetID())
        view.SetLabelVolumeID(new_labels[0].GetID())
        view.SetLabelOpacity(0.25)
    views, nodes = composite_xml(a_scene), node_ids(a_scene)
    a_run_preview.show(preview(a_box))
    a_run_preview.remove()
    assert (composite_xml(a_scene), node_ids(a_scene)) == (views, nodes)


def test_an_emptied_scene_is_no_trouble(a_scene: Any, a_run_preview: RunPreview, a_box: NDArray[np.float32]) -> None:
    a_run_preview.show(preview(a_box))
    a_scene.Clear(True)
    nodes = node_ids(a_scene)
    a_run_preview.show(preview(a_box))
    a_run_preview.remove()
    assert node_ids(a_scene) == nodes


def test_while_a_scene_is_read_nothing_is_shown(
    a_scene: Any, a_run_preview: RunPreview, a_box: NDArray[np.float32]
) -> None:
    nodes = node_ids(a_scene)
    a_scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    a_run_preview.show(preview(a_box))
    a_scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
    assert node_ids(a_scene) == nodes
    a_run_preview.show(preview(a_box))
    assert labels(a_scene).any()


def test_the_preview_deleted_by_hand(
    a_scene: Any, a_run_preview: RunPreview, four_views: list[Any], a_box: NDArray[np.float32]
) -> None:
    views, nodes = composite_xml(a_scene), node_ids(a_scene)
    a_run_preview.show(preview(a_box))
    a_scene.RemoveNode(label_map_of(a_scene))
    a_run_preview.show(preview(a_box))
    a_run_preview.remove()
    assert (composite_xml(a_scene), node_ids(a_scene)) == (views, nodes)


def test_layers_and_views_the_user_changed_meanwhile(
    a_scene: Any,
    a_run_preview: RunPreview,
    four_views: list[Any],
    a_label_map: Any,
    an_other_volume: Any,
    a_box: NDArray[np.float32],
) -> None:
    red, green, _, empty = four_views
    a_run_preview.show(preview(a_box))
    red.SetLabelVolumeID(None)
    green.SetLabelVolumeID(a_label_map.GetID())
    green.SetLabelOpacity(0.9)
    a_scene.RemoveNode(empty)
    a_run_preview.show(preview(a_box, slice_index=1))
    a_run_preview.remove()
    assert (red.GetLabelVolumeID(), red.GetLabelOpacity()) == (None, 0.1 + 0.2)
    assert (green.GetLabelVolumeID(), green.GetLabelOpacity()) == (a_label_map.GetID(), 0.9)


def test_a_label_map_deleted_meanwhile_leaves_its_layer_empty(
    a_scene: Any, a_run_preview: RunPreview, four_views: list[Any], a_label_map: Any, a_box: NDArray[np.float32]
) -> None:
    a_run_preview.show(preview(a_box))
    a_scene.RemoveNode(a_label_map)
    a_run_preview.remove()
    assert [view.GetLabelVolumeID() for view in four_views] == [None] * 4


def test_views_that_turn_to_the_image_or_away_from_it(
    a_scene: Any,
    a_run_preview: RunPreview,
    four_views: list[Any],
    a_volume_node: Any,
    an_other_volume: Any,
    a_label_map: Any,
    a_box: NDArray[np.float32],
) -> None:
    red, green, yellow, _ = four_views
    a_run_preview.show(preview(a_box))
    red.SetBackgroundVolumeID(an_other_volume.GetID())
    yellow.SetBackgroundVolumeID(a_volume_node.GetID())
    late = add_composite(a_scene, "Slice5", a_volume_node)
    views = composite_xml(a_scene)
    a_run_preview.show(preview(a_box, slice_index=1))
    shown = label_map_of(a_scene).GetID()
    assert (red.GetLabelVolumeID(), red.GetLabelOpacity()) == (a_label_map.GetID(), 0.1 + 0.2)
    assert [view.GetLabelVolumeID() for view in (green, yellow, late)] == [shown] * 3
    a_run_preview.remove()
    assert yellow.GetLabelVolumeID() == a_label_map.GetID()
    assert late.GetLabelVolumeID() is None
    assert composite_xml(a_scene) != views
    assert not any(shown in text for text in composite_xml(a_scene))
