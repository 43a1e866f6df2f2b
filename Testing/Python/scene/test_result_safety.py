"""What results must never destroy: edits, overlaps, other volumes' segments; and how they are taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, box
from segment_editing import assert_same_masks, masks_of, paint, undo_editor

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.arrays import copy_voxels
from MedCLIPSegLogic.scene.export import save_segmentation
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import create_segmentation, find_segmentation, was_edited
from MedCLIPSegLogic.scene.tags import segment_record
from MedCLIPSegLogic.scene.threshold import LiveThreshold
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))
OTHER = box(SHAPE, slice(1, 2), slice(0, 2), slice(6, 12))


def records_of(segmentation_node: Any) -> dict[str, dict[str, str]]:
    segmentation = segmentation_node.GetSegmentation()
    return {each: segment_record(segmentation.GetSegment(each)) for each in segmentation.GetSegmentIDs()}


@pytest.fixture
def a_second_volume_node(a_scene: Any, a_volume: Volume) -> Any:
    """Another image on the same voxel grid, as the sequences of one examination."""
    return add_volume_node(a_scene, Volume(a_volume.voxels[::-1].copy(), a_volume.ijk_to_ras, "second"))


def test_undo_takes_the_first_run_back(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    segmentation = create_segmentation(a_scene, a_volume_node)
    editor = undo_editor(a_scene, segmentation, a_volume_node)
    editor.SaveStateForUndo()
    write_result(a_scene, a_volume_node, a_result, segmentation)
    after, records = masks_of(segmentation, a_volume_node), records_of(segmentation)
    assert len(after) == 3
    editor.Undo()
    assert segmentation.GetSegmentation().GetSegmentIDs() == ()
    editor.Redo()
    assert_same_masks(masks_of(segmentation, a_volume_node), after)
    assert records_of(segmentation) == records


def test_undo_takes_a_later_run_back(
    a_scene: Any, a_volume_node: Any, a_written_result: SceneResult, make_result: MakeResult
) -> None:
    segmentation = a_written_result.segmentation
    editor = undo_editor(a_scene, segmentation, a_volume_node)
    before, records = masks_of(segmentation, a_volume_node), records_of(segmentation)
    later = make_result({"lesion": LIVER[::-1], "new": OTHER, "liver": np.full(SHAPE, 0.1, np.float32)})
    editor.SaveStateForUndo()
    write_result(a_scene, a_volume_node, later, segmentation)
    after = masks_of(segmentation, a_volume_node)
    assert len(after) == 4
    assert after[a_written_result.segment_ids[0]].sum() == 0
    for _ in range(2):
        editor.Undo()
        assert_same_masks(masks_of(segmentation, a_volume_node), before)
        assert records_of(segmentation) == records
        editor.Redo()
        assert_same_masks(masks_of(segmentation, a_volume_node), after)
    editor.Undo()
    # What came back counts as the work of its run: it is replaced, not doubled.
    write_result(a_scene, a_volume_node, later, segmentation)
    assert len(masks_of(segmentation, a_volume_node)) == 4


def test_undo_of_run_edit_and_threshold_in_turn(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    segmentation = create_segmentation(a_scene, a_volume_node)
    editor = undo_editor(a_scene, segmentation, a_volume_node)
    soft = np.random.default_rng(2).uniform(0.01, 0.99, SHAPE).astype(np.float32)
    states = [masks_of(segmentation, a_volume_node)]
    editor.SaveStateForUndo()
    written = write_result(a_scene, a_volume_node, make_result({"soft": soft, "liver": LIVER}), segmentation)
    states.append(masks_of(segmentation, a_volume_node))
    editor.SaveStateForUndo()
    live = LiveThreshold(segmentation, written.segment_ids[0], written.probability_maps[0], a_volume_node)
    live.apply(0.7)
    live.finish()
    states.append(masks_of(segmentation, a_volume_node))
    editor.SaveStateForUndo()
    paint(editor, written.segment_ids[1], (OTHER > 0.5).astype(np.uint8))
    states.append(masks_of(segmentation, a_volume_node))
    for state in states[-2::-1]:
        editor.Undo()
        assert_same_masks(masks_of(segmentation, a_volume_node), state)
    for state in states[1:]:
        editor.Redo()
        assert_same_masks(masks_of(segmentation, a_volume_node), state)


@pytest.mark.parametrize("slices", [None, (1,)])
def test_painted_segment_is_kept_and_a_new_one_added(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, slices: tuple[int, ...] | None
) -> None:
    written = write_result(a_scene, a_volume_node, make_result({"liver": LIVER, "other": OTHER}))
    editor = undo_editor(a_scene, written.segmentation, a_volume_node)
    paint(editor, written.segment_ids[0], (OTHER > 0.5).astype(np.uint8))
    edited = masks_of(written.segmentation, a_volume_node)
    assert edited[written.segment_ids[0]].sum() == (LIVER > 0.5).sum() + (OTHER > 0.5).sum() - 2
    fresh = make_result({"liver": LIVER[:, ::-1]}, slice_indices=slices)
    again = write_result(a_scene, a_volume_node, fresh, written.segmentation)
    [new] = again.segment_ids
    assert new not in written.segment_ids
    edited[new] = fresh.prompts[0].mask
    assert_same_masks(masks_of(written.segmentation, a_volume_node), edited)
    assert was_edited(written.segmentation, written.segment_ids[0], a_volume_node)
    assert not was_edited(written.segmentation, written.segment_ids[1], a_volume_node)
    # The third run replaces the second, not the painted one.
    third = write_result(a_scene, a_volume_node, make_result({"liver": OTHER}), written.segmentation)
    assert third.segment_ids == (new,)
    edited[new] = (OTHER > 0.5).astype(np.uint8)
    assert_same_masks(masks_of(written.segmentation, a_volume_node), edited)


def test_painting_that_was_undone_is_no_edit(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    written = write_result(a_scene, a_volume_node, make_result({"liver": LIVER}))
    editor = undo_editor(a_scene, written.segmentation, a_volume_node)
    editor.SaveStateForUndo()
    paint(editor, written.segment_ids[0], (OTHER > 0.5).astype(np.uint8))
    assert was_edited(written.segmentation, written.segment_ids[0], a_volume_node)
    editor.Undo()
    assert not was_edited(written.segmentation, written.segment_ids[0], a_volume_node)
    again = write_result(a_scene, a_volume_node, make_result({"liver": OTHER}), written.segmentation)
    assert again.segment_ids == written.segment_ids


def test_segments_of_another_volume_on_the_same_grid_are_refused(
    a_scene: Any,
    a_volume_node: Any,
    a_second_volume_node: Any,
    a_written_result: SceneResult,
    make_result: MakeResult,
) -> None:
    before, records = masks_of(a_written_result.segmentation, a_volume_node), records_of(a_written_result.segmentation)
    count = a_scene.GetNumberOfNodes()
    with pytest.raises(MedCLIPSegError, match="holds results of the volume “ct”"):
        write_result(a_scene, a_second_volume_node, make_result({"liver": OTHER}), a_written_result.segmentation)
    assert a_scene.GetNumberOfNodes() == count
    assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), before)
    assert records_of(a_written_result.segmentation) == records


def test_each_volume_finds_its_own_segmentation(
    a_scene: Any,
    a_volume_node: Any,
    a_second_volume_node: Any,
    a_written_result: SceneResult,
    make_result: MakeResult,
) -> None:
    before = masks_of(a_written_result.segmentation, a_volume_node)
    assert find_segmentation(a_scene, a_second_volume_node) is None
    second = write_result(a_scene, a_second_volume_node, make_result({"liver": OTHER}), None)
    assert find_segmentation(a_scene, a_volume_node) is a_written_result.segmentation
    assert find_segmentation(a_scene, a_second_volume_node) is second.segmentation
    assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), before)
    assert set(second.probability_maps).isdisjoint(a_written_result.probability_maps)


def test_segments_of_a_removed_volume_go_to_no_other(
    a_scene: Any, a_volume_node: Any, a_second_volume_node: Any, a_written_result: SceneResult
) -> None:
    a_scene.RemoveNode(a_volume_node)
    assert find_segmentation(a_scene, a_second_volume_node) is None


def load_segmentation(scene: Any, path: Path) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "loaded")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node


def test_loaded_segmentation_belongs_to_the_only_image_it_fits(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, a_result: SegmentationResult, tmp_path: Path
) -> None:
    written = write_result(a_scene, a_volume_node, a_result)
    save_segmentation(written.segmentation, tmp_path / "a.seg.nrrd")
    a_scene.RemoveNode(written.segmentation)
    loaded = load_segmentation(a_scene, tmp_path / "a.seg.nrrd")
    assert find_segmentation(a_scene, a_volume_node) is loaded
    # The maps of the volume lie on its grid too, but are no images.
    second = add_volume_node(a_scene, a_volume)
    assert find_segmentation(a_scene, a_volume_node) is None
    assert find_segmentation(a_scene, second) is None
    a_scene.RemoveNode(second)
    again = write_result(a_scene, a_volume_node, a_result, find_segmentation(a_scene, a_volume_node))
    assert again.segmentation is loaded
    assert len(again.segment_ids) == loaded.GetSegmentation().GetNumberOfSegments() == 3
    add_volume_node(a_scene, a_volume)
    assert find_segmentation(a_scene, a_volume_node) is loaded


@pytest.mark.parametrize("seed", range(4))
def test_overlapping_segments_survive_any_order_of_work(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, seed: int
) -> None:
    """Runs of all slices or some, thresholds and undo at random; every mask is checked after every step."""
    random = np.random.default_rng(seed)
    segmentation = create_segmentation(a_scene, a_volume_node)
    editor = undo_editor(a_scene, segmentation, a_volume_node)
    expected: dict[str, NDArray[np.uint8]] = {}
    written: dict[str, SceneResult] = {}

    def probability() -> NDArray[np.float32]:
        values = random.uniform(0.01, 0.99, SHAPE).astype(np.float32)
        return values * (random.random(SHAPE) < random.choice([0, 0.2, 1])).astype(np.float32)

    for _ in range(12):
        before = dict(expected)
        editor.SaveStateForUndo()
        prompts = list(random.permutation(["a", "b", "c", "d"])[: random.integers(1, 4)])
        if random.random() < 0.6 or not written:
            indices = tuple(sorted(random.choice(SHAPE[0], random.integers(1, 5), replace=False).tolist()))
            elsewhere = np.setdiff1d(range(SHAPE[0]), indices)
            maps = {str(prompt): probability() for prompt in prompts}
            for values in maps.values():
                values[elsewhere] = 0
            result = make_result(maps, slice_indices=indices)
            nodes = write_result(a_scene, a_volume_node, result, segmentation)
            for number, (prompt, segment_id) in enumerate(zip(result.prompts, nodes.segment_ids, strict=True)):
                mask = expected.get(segment_id, np.zeros(SHAPE, np.uint8)).copy()
                mask[list(indices)] = prompt.mask[list(indices)]
                expected[segment_id] = mask
                written[segment_id] = (nodes.probability_maps[number], prompt.prompt)
        else:
            segment_id = str(random.choice(list(written)))
            if segment_id not in expected:
                continue
            map_node = written[segment_id][0]
            live = LiveThreshold(segmentation, segment_id, map_node, a_volume_node)
            threshold = float(random.uniform(0.05, 0.95))
            live.apply(0.5)
            live.apply(threshold)
            live.finish()
            expected[segment_id] = (copy_voxels(map_node.GetImageData()) > threshold).astype(np.uint8)
        assert_same_masks(masks_of(segmentation, a_volume_node), expected)
        if random.random() < 0.3:
            editor.Undo()
            expected = before
            assert_same_masks(masks_of(segmentation, a_volume_node), expected)
