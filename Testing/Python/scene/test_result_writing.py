"""A whole result in one call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer
from scene_samples import MakeResult, box

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.arrays import copy_voxels
from MedCLIPSegLogic.scene.geometry import ijk_to_ras
from MedCLIPSegLogic.scene.map_volumes import map_nodes, map_prompt
from MedCLIPSegLogic.scene.nodes import nodes_of_class, place_beside
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.segmentation import segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LIVER = box((4, 10, 12), slice(0, 3), slice(1, 8), slice(1, 8))


def test_nodes_come_in_the_order_of_the_prompts(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    written = write_result(a_scene, a_volume_node, a_result)
    assert written.segmentation.GetSegmentation().GetNumberOfSegments() == 3
    for prompt, *maps in zip(
        a_result.prompts,
        written.probability_maps,
        written.uncertainty_maps,
        written.mutual_information_maps,
        strict=True,
    ):
        assert [node.GetName() for node in maps] == [
            f"ct {prompt.name} {what}" for what in ("probability", "uncertainty", "mutual information")
        ]
    segmentation = written.segmentation.GetSegmentation()
    assert written.segment_ids == segmentation.GetSegmentIDs()
    assert [segmentation.GetSegment(segment_id).GetName() for segment_id in written.segment_ids] == [
        prompt.name for prompt in a_result.prompts
    ]


def test_node_counts_of_two_runs(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    before = a_scene.GetNumberOfNodes()
    written = write_result(a_scene, a_volume_node, a_result)
    # Segmentation with display, colors, nine maps with display.
    assert a_scene.GetNumberOfNodes() == before + 2 + 1 + 18
    write_result(a_scene, a_volume_node, a_result, written.segmentation)
    assert a_scene.GetNumberOfNodes() == before + 21


def test_no_display_node_is_orphaned(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    written = write_result(a_scene, a_volume_node, a_result)
    write_result(a_scene, a_volume_node, a_result, written.segmentation)
    displays = nodes_of_class(a_scene, "vtkMRMLDisplayNode")
    assert len(displays) == 11
    assert all(display.GetDisplayableNode() is not None for display in displays)


def test_result_that_does_not_fit_leaves_no_nodes(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, make_result: MakeResult
) -> None:
    smaller = Volume(a_volume.voxels[:2], a_volume.ijk_to_ras, "smaller")
    count = a_scene.GetNumberOfNodes()
    with pytest.raises(MedCLIPSegError):
        write_result(a_scene, a_volume_node, make_result({"p": np.zeros((2, 10, 12), np.float32)}, volume=smaller))
    assert a_scene.GetNumberOfNodes() == count


def test_single_slice_picture_end_to_end(a_scene: Any, a_picture: Volume, make_result: MakeResult) -> None:
    node = add_volume_node(a_scene, a_picture)
    probability = box((1, 10, 12), slice(1), slice(2, 6), slice(3, 9))
    result = make_result({"polyp": probability, "edge": 1 - probability}, volume=a_picture)
    written = write_result(a_scene, node, result)
    for index, prompt in enumerate(result.prompts):
        segment_id = written.segmentation.GetSegmentation().GetNthSegmentID(index)
        np.testing.assert_array_equal(segment_mask(written.segmentation, segment_id, node), prompt.mask)
        stored = copy_voxels(written.uncertainty_maps[index].GetImageData())
        np.testing.assert_array_equal(stored, prompt.uncertainty)
        np.testing.assert_array_equal(ijk_to_ras(written.uncertainty_maps[index]), np.diag([-1, -1, 1, 1]))


def test_results_lie_beside_the_input(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, a_volume_node)
    written = write_result(a_scene, a_volume_node, a_result)
    nodes = (written.segmentation, *written.probability_maps, *written.uncertainty_maps)
    assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes} == {study}


def test_node_the_hierarchy_knows_already_is_moved_beside(a_scene: Any, a_volume_node: Any) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, a_volume_node)
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "listed")
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    place_beside(a_scene, node, a_volume_node)
    assert hierarchy.GetItemParent(item) == study


def test_results_the_user_moved_in_the_hierarchy_stay_there(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult
) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    hierarchy.CreateItem(hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study"), a_volume_node)
    written = write_result(a_scene, a_volume_node, a_result)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "mine")
    nodes = (written.segmentation, written.uncertainty_maps[0])
    for node in nodes:
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), folder)
    write_result(a_scene, a_volume_node, a_result, written.segmentation)
    assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes} == {folder}


def test_a_run_without_maps_leaves_none_that_are_untrue(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    first, second = make_result({"liver": LIVER, "other": LIVER}), make_result({"liver": LIVER[::-1]})
    written = write_result(a_scene, a_volume_node, first)
    maps = {"probability": None, "uncertainty": None, "mutual_information": None}
    bare = replace(second, prompts=tuple(replace(prompt, **maps) for prompt in second.prompts))
    again = write_result(a_scene, a_volume_node, bare, written.segmentation)
    assert again.probability_maps == again.uncertainty_maps == again.mutual_information_maps == ()
    assert again.segment_ids == written.segment_ids[:1]
    mask = segment_mask(written.segmentation, again.segment_ids[0], a_volume_node)
    np.testing.assert_array_equal(mask, second.prompts[0].mask)
    assert {map_prompt(node) for node in map_nodes(a_scene)} == {"other"}
