"""Results in small steps: how long each takes, what is there in between, what is refused before the first."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer
from scene_samples import SHAPE, MakeResult, box, oblique_matrix
from scene_xml import scene_xml
from segment_editing import assert_same_masks, masks_of

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.arrays import copy_voxels, voxel_view
from MedCLIPSegLogic.scene.maps import (
    EXPECTED_ENTROPY,
    MUTUAL_INFORMATION,
    UNCERTAINTY,
    expected_entropy_map,
    find_map,
    map_nodes,
)
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result, write_result_steps
from MedCLIPSegLogic.scene.segment_writer import SegmentAppearance
from MedCLIPSegLogic.scene.segmentation import create_segmentation, find_segmentation, segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LARGE = (100, 512, 512)
LONGEST_STEP = 0.4
"""In seconds; four times what is allowed in the application, as the machine may be busy."""

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))


def timed(steps: Generator[None, None, SceneResult]) -> tuple[SceneResult, list[float]]:
    """Run all steps; return the nodes and the seconds of each step."""
    seconds = []
    while True:
        started = time.perf_counter()
        try:
            next(steps)
        except StopIteration as end:
            return end.value, seconds
        seconds.append(time.perf_counter() - started)


@pytest.fixture
def a_large_result(make_result: MakeResult) -> SegmentationResult:
    """Two prompts whose segments overlap."""
    volume = Volume(np.zeros(LARGE, np.int16), np.diag([0.7, 0.7, 2.0, 1.0]), "large")
    k, j, i = np.ogrid[: LARGE[0], : LARGE[1], : LARGE[2]]
    ball = np.exp(-(((k - 50) / 40) ** 2 + ((j - 230) / 200) ** 2 + ((i - 256) / 200) ** 2)).astype(np.float32)
    return make_result({"ball": ball, "mirrored": ball[:, ::-1]}, volume=volume)


def test_no_step_blocks_the_application(a_scene: Any, a_large_result: SegmentationResult) -> None:
    node = add_volume_node(a_scene, a_large_result.volume)
    written, seconds = timed(write_result_steps(a_scene, node, a_large_result))
    assert max(seconds) < LONGEST_STEP
    for prompt in a_large_result.prompts:
        expected_entropy_map(a_scene, node, prompt.prompt)
    again, seconds = timed(write_result_steps(a_scene, node, a_large_result, written.segmentation))
    assert max(seconds) < LONGEST_STEP
    assert again == written
    one_slice = replace(a_large_result, slice_indices=(50,))
    _, seconds = timed(write_result_steps(a_scene, node, one_slice, written.segmentation))
    assert max(seconds) < LONGEST_STEP
    for prompt, segment_id, *maps in zip(
        a_large_result.prompts,
        written.segment_ids,
        written.probability_maps,
        written.uncertainty_maps,
        written.mutual_information_maps,
        strict=True,
    ):
        np.testing.assert_array_equal(segment_mask(written.segmentation, segment_id, node), prompt.mask)
        for map_node, values in zip(
            maps, (prompt.probability, prompt.uncertainty, prompt.mutual_information), strict=True
        ):
            np.testing.assert_array_equal(voxel_view(map_node.GetImageData()), values)


def test_maps_appear_whole(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    steps = write_result_steps(a_scene, a_volume_node, a_result)
    for _ in steps:
        for node in map_nodes(a_scene):
            values = voxel_view(node.GetImageData())
            assert any(
                np.array_equal(values, expected)
                for prompt in a_result.prompts
                for expected in (prompt.probability, prompt.uncertainty, prompt.mutual_information)
            )


def test_large_maps_appear_whole(a_scene: Any, a_large_result: SegmentationResult) -> None:
    node = add_volume_node(a_scene, a_large_result.volume)
    steps = write_result_steps(a_scene, node, a_large_result)
    counts = []
    for _ in steps:
        counts.append(len(list(map_nodes(a_scene))))
        if counts[-1] == 1:
            break
    assert counts.count(0) > 4
    [first] = map_nodes(a_scene)
    np.testing.assert_array_equal(voxel_view(first.GetImageData()), a_large_result.prompts[0].probability)


@pytest.mark.parametrize("count", range(1, 12))
def test_steps_may_end_at_any_moment(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, count: int
) -> None:
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


@pytest.mark.parametrize("removed", ["volume", "segmentation"])
@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_nodes_removed_between_two_steps(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, removed: str, count: int
) -> None:
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
