"""Results in small steps: how long each takes, what is there in between, what is refused before the first."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import slicer
from scene_samples import SHAPE, MakeResult, box, oblique_matrix
from scene_xml import scene_xml
from segment_editing import assert_same_masks, masks_of

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene import map_volumes as maps_module
from MedCLIPSegLogic.scene.arrays import copy_voxels, voxel_view
from MedCLIPSegLogic.scene.map_volumes import (
    EXPECTED_ENTROPY,
    MUTUAL_INFORMATION,
    UNCERTAINTY,
    expected_entropy_map,
    find_map,
    map_nodes,
)
from MedCLIPSegLogic.scene.result_writer import SceneResult, SegmentAppearance, write_result, write_result_steps
from MedCLIPSegLogic.scene.segmentation import create_segmentation, find_segmentation, segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))


def counted(steps: Generator[None, None, SceneResult]) -> tuple[SceneResult, int]:
    """Run all steps; return the nodes and how many steps there were."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1


@pytest.mark.parametrize("slices_a_step", [1, 3])
def test_maps_are_written_some_slices_a_step(
    a_scene: Any,
    a_volume_node: Any,
    a_result: SegmentationResult,
    monkeypatch: pytest.MonkeyPatch,
    slices_a_step: int,
) -> None:
    """So that no step blocks the application; maps that are there, and their parts, are quickly overwritten."""
    monkeypatch.setattr(maps_module, "VOXELS_A_STEP", slices_a_step * SHAPE[1] * SHAPE[2])
    written, count = counted(write_result_steps(a_scene, a_volume_node, a_result))
    segments_maps_and_refreshes = len(a_result.prompts) * (1 + 3 + 1)
    parts = len(a_result.prompts) * 3 * (-(-SHAPE[0] // slices_a_step) - 1)
    assert count == segments_maps_and_refreshes + parts
    for prompt in a_result.prompts:
        expected_entropy_map(a_scene, a_volume_node, prompt.prompt)
    for result in (a_result, replace(a_result, slice_indices=(2,))):
        again, count = counted(write_result_steps(a_scene, a_volume_node, result, written.segmentation))
        assert (again, count) == (written, segments_maps_and_refreshes)
    for prompt, segment_id, *maps in zip(
        a_result.prompts,
        written.segment_ids,
        written.probability_maps,
        written.uncertainty_maps,
        written.mutual_information_maps,
        strict=True,
    ):
        np.testing.assert_array_equal(segment_mask(written.segmentation, segment_id, a_volume_node), prompt.mask)
        for map_node, values in zip(
            maps, (prompt.probability, prompt.uncertainty, prompt.mutual_information), strict=True
        ):
            np.testing.assert_array_equal(voxel_view(map_node.GetImageData()), values)


def test_maps_appear_whole(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps_module, "VOXELS_A_STEP", 1)
    steps = write_result_steps(a_scene, a_volume_node, a_result)
    for _ in steps:
        for node in map_nodes(a_scene):
            values = voxel_view(node.GetImageData())
            assert any(
                np.array_equal(values, expected)
                for prompt in a_result.prompts
                for expected in (prompt.probability, prompt.uncertainty, prompt.mutual_information)
            )


def test_steps_may_end_at_any_moment(a_result: SegmentationResult) -> None:
    for count in range(1, 12):
        session = create_scene()
        a_scene = session.scene
        a_volume_node = add_volume_node(a_scene, a_result.volume)
        steps = write_result_steps(a_scene, a_volume_node, a_result)
        for _ in range(count):
            next(steps)
        steps.close()
        segmentation = find_segmentation(a_scene, a_volume_node)
        written = write_result(a_scene, a_volume_node, a_result, segmentation)
        assert written.segmentation is segmentation
        for prompt, segment_id in zip(a_result.prompts, written.segment_ids, strict=True):
            np.testing.assert_array_equal(segment_mask(segmentation, segment_id, a_volume_node), prompt.mask)
        assert len(list(map_nodes(a_scene))) == 9
        assert segmentation.GetSegmentation().GetNumberOfSegments() == 3


def test_nodes_removed_between_two_steps(a_result: SegmentationResult) -> None:
    for count, removed in product((1, 2, 5, 8), ("volume", "segmentation")):
        session = create_scene()
        a_scene = session.scene
        a_volume_node = add_volume_node(a_scene, a_result.volume)
        segmentation = create_segmentation(a_scene, a_volume_node)
        steps = write_result_steps(a_scene, a_volume_node, a_result, segmentation)
        for _ in range(count):
            next(steps)
        a_scene.RemoveNode(a_volume_node if removed == "volume" else segmentation)
        before = a_scene.GetNumberOfNodes()
        with pytest.raises(MedCLIPSegError, match="was removed"):
            next(steps)
        assert a_scene.GetNumberOfNodes() == before


def shorter(result: SegmentationResult, volume_node: Any) -> SegmentationResult:
    return replace(result, volume=Volume(result.volume.voxels[:2], result.volume.ijk_to_ras, "shorter"))


def moved_meanwhile(result: SegmentationResult, volume_node: Any) -> SegmentationResult:
    origin = np.add(volume_node.GetOrigin(), (0.5, 0, 0))
    volume_node.SetOrigin(*origin)
    return result


def incomplete_map(result: SegmentationResult, volume_node: Any) -> SegmentationResult:
    last = replace(result.prompts[-1], mutual_information=result.prompts[-1].mutual_information[:2])
    return replace(result, prompts=(*result.prompts[:-1], last))


def incomplete_mask(result: SegmentationResult, volume_node: Any) -> SegmentationResult:
    last = replace(result.prompts[-1], mask=result.prompts[-1].mask[:, :5])
    return replace(result, prompts=(*result.prompts[:-1], last))


def test_nothing_is_written_when_the_result_does_not_fit(
    a_scene: Any, a_volume_node: Any, a_written_result: SceneResult, a_result: SegmentationResult
) -> None:
    for spoil in [shorter, moved_meanwhile, incomplete_map, incomplete_mask]:
        for to_own_segmentation in [False, True]:
            spoiled = spoil(a_result, a_volume_node)
            state, masks = scene_xml(a_scene), masks_of(a_written_result.segmentation, a_volume_node)
            maps = [copy_voxels(node.GetImageData()) for node in map_nodes(a_scene)]
            segmentation = a_written_result.segmentation if to_own_segmentation else None
            with pytest.raises(MedCLIPSegError, match="run again"):
                next(write_result_steps(a_scene, a_volume_node, spoiled, segmentation))
            assert scene_xml(a_scene) == state
            assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), masks)
            for node, before in zip(map_nodes(a_scene), maps, strict=True):
                np.testing.assert_array_equal(copy_voxels(node.GetImageData()), before)


def test_nothing_is_written_to_a_segmentation_of_another_grid(
    a_scene: Any, a_volume: Volume, a_written_result: SceneResult, a_volume_node: Any, a_result: SegmentationResult
) -> None:
    moved = oblique_matrix()
    moved[2, 3] += 1
    other = Volume(a_volume.voxels, moved, "moved")
    other_node = add_volume_node(a_scene, other)
    state = scene_xml(a_scene)
    with pytest.raises(MedCLIPSegError, match="another voxel grid"):
        next(write_result_steps(a_scene, other_node, replace(a_result, volume=other), a_written_result.segmentation))
    assert scene_xml(a_scene) == state


def test_result_stays_what_it_was(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    first, second = make_result({"liver": LIVER.copy()}), make_result({"liver": LIVER[::-1].copy()})
    written = write_result(a_scene, a_volume_node, first)
    write_result(a_scene, a_volume_node, second, written.segmentation)
    np.testing.assert_array_equal(first.prompts[0].probability, LIVER)
    second.prompts[0].probability[:] = 0
    np.testing.assert_array_equal(voxel_view(written.probability_maps[0].GetImageData()), LIVER[::-1])


def test_rerun_leaves_the_scene_as_one_run_does(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    written = write_result(a_scene, a_volume_node, a_result)
    expected_entropy_map(a_scene, a_volume_node, "liver")
    state, masks = scene_xml(a_scene), masks_of(written.segmentation, a_volume_node)
    for _ in range(2):
        again = write_result(a_scene, a_volume_node, a_result, find_segmentation(a_scene, a_volume_node))
        assert again == written
        assert scene_xml(a_scene) == state
        assert_same_masks(masks_of(written.segmentation, a_volume_node), masks)


def test_new_segments_look_as_asked_and_old_ones_as_they_did(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    look = {"liver": SegmentAppearance("Leber", (0.1, 0.2, 0.3)), "other": SegmentAppearance("Leber", (0.4, 0.5, 0.6))}
    written = write_result(a_scene, a_volume_node, make_result({"liver": LIVER}), None, look)
    segmentation = written.segmentation.GetSegmentation()
    segment = segmentation.GetSegment(written.segment_ids[0])
    assert (segment.GetName(), segment.GetColor()) == ("Leber", (0.1, 0.2, 0.3))
    again = {"liver": SegmentAppearance("liver", (1, 1, 1)), "other": look["other"]}
    both = make_result({"liver": LIVER, "other": LIVER[::-1]})
    written = write_result(a_scene, a_volume_node, both, written.segmentation, again)
    assert (segment.GetName(), segment.GetColor()) == ("Leber", (0.1, 0.2, 0.3))
    other = segmentation.GetSegment(written.segment_ids[1])
    assert (other.GetName(), other.GetColor()) == ("Leber (2)", (0.4, 0.5, 0.6))


def test_expected_entropy_is_made_when_asked_for(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    result = make_result({"liver": LIVER})
    result.prompts[0].mutual_information[:] = np.random.default_rng(5).uniform(0, 0.4, SHAPE)
    written = write_result(a_scene, a_volume_node, result)
    assert find_map(a_scene, a_volume_node, "liver", EXPECTED_ENTROPY) is None
    assert expected_entropy_map(a_scene, a_volume_node, "nobody ran this") is None
    node = expected_entropy_map(a_scene, a_volume_node, "liver")
    difference = result.prompts[0].uncertainty - result.prompts[0].mutual_information
    assert difference.min() < 0
    np.testing.assert_array_equal(voxel_view(node.GetImageData()), np.maximum(difference, 0))
    assert expected_entropy_map(a_scene, a_volume_node, "liver") is node
    assert node.GetName() == "ct liver expected entropy"
    second = make_result({"liver": LIVER[::-1]})
    write_result(a_scene, a_volume_node, second, written.segmentation)
    np.testing.assert_array_equal(voxel_view(node.GetImageData()), second.prompts[0].uncertainty)
    # Without one of its parts it stays as it was, and nothing new is made.
    a_scene.RemoveNode(find_map(a_scene, a_volume_node, "liver", MUTUAL_INFORMATION))
    a_scene.RemoveNode(node)
    assert expected_entropy_map(a_scene, a_volume_node, "liver") is None
    assert find_map(a_scene, a_volume_node, "liver", UNCERTAINTY) is written.uncertainty_maps[0]


def test_map_of_another_type_is_replaced(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    written = write_result(a_scene, a_volume_node, make_result({"liver": LIVER}))
    node = written.probability_maps[0]
    cast = slicer.vtkOrientedImageData()
    cast.DeepCopy(node.GetImageData())
    cast.AllocateScalars(6, 1)
    node.SetAndObserveImageData(cast)
    write_result(a_scene, a_volume_node, make_result({"liver": LIVER[::-1]}), written.segmentation)
    assert voxel_view(node.GetImageData()).dtype == np.float32
    np.testing.assert_array_equal(voxel_view(node.GetImageData()), LIVER[::-1])
