"""Islands of a segment in the scene: live, recorded, followed by the slider, taken back, and no one's edit."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult
from segment_editing import assert_same_masks, masks_of, paint, undo_editor

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.islands import IslandRule, remove_islands
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.knowledge.verdict import Verdict
from MedCLIPSegLogic.scene.export_record import export_record
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import segment_mask, was_edited
from MedCLIPSegLogic.scene.tags import island_rule_of, removed_islands_of, segment_record, verdict_of
from MedCLIPSegLogic.scene.threshold import LiveThreshold

VOXEL = 0.71 * 0.83 * 2.5
"""mm³, of the oblique volume."""


def blobs() -> NDArray[np.float32]:
    """Three islands above 0.5, of which two join above 0.3."""
    values = np.full(SHAPE, 0.05, np.float32)
    values[0:2, 1:5, 1:6] = 0.9  # 40 voxels
    values[0:2, 1:4, 8:11] = 0.8  # 18
    values[0, 2, 6:8] = 0.4  # joins them
    values[3, 8, 2:5] = 0.7  # 3
    return values


def above(threshold: float, rule: IslandRule) -> NDArray[np.uint8]:
    mask = (blobs() > threshold).astype(np.uint8)
    remove_islands(mask, rule, VOXEL)
    return mask


def with_rule(result: SegmentationResult, rule: IslandRule, verdict: Verdict | None = None) -> SegmentationResult:
    """The result as a run with a rule gives it."""
    prompt = result.prompts[0]
    mask = prompt.mask.copy()
    removed = remove_islands(mask, rule, VOXEL)
    changed = dataclasses.replace(prompt, mask=mask, islands=rule, removed_islands=removed, verdict=verdict)
    return dataclasses.replace(result, prompts=(changed,))


@pytest.fixture
def write(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> Any:
    def write_with(rule: IslandRule = "all", verdict: Verdict | None = None) -> SceneResult:
        return write_result(a_scene, a_volume_node, with_rule(make_result({"blobs": blobs()}), rule, verdict))

    return write_with


def live_of(written: SceneResult, volume_node: Any) -> LiveThreshold:
    return LiveThreshold(written.segmentation, written.segment_ids[0], written.probability_maps[0], volume_node)


def segment_of(written: SceneResult) -> Any:
    return written.segmentation.GetSegmentation().GetSegment(written.segment_ids[0])


def mask_of(written: SceneResult, volume_node: Any) -> NDArray[np.uint8]:
    return segment_mask(written.segmentation, written.segment_ids[0], volume_node)


@pytest.mark.parametrize("rule", ["largest", 10 * VOXEL, 41 * VOXEL])
def test_live_is_what_a_run_gives(write: Any, a_volume_node: Any, rule: IslandRule) -> None:
    """Mask and record are those of a run with the rule; then the slider keeps by it."""
    by_run, by_hand = write(rule), None
    told, mask = segment_record(segment_of(by_run)), mask_of(by_run, a_volume_node)
    by_hand = write()
    live = live_of(by_hand, a_volume_node)
    live.apply(0.5, rule)
    live.finish()
    assert np.array_equal(mask_of(by_hand, a_volume_node), mask)
    found = segment_record(segment_of(by_hand))
    assert [found[name] for name in ("Islands", "RemovedIslands", "MaskHash")] == [
        told[name] for name in ("Islands", "RemovedIslands", "MaskHash")
    ]
    assert island_rule_of(segment_of(by_hand)) == rule
    assert not was_edited(by_hand.segmentation, by_hand.segment_ids[0], a_volume_node)
    for written in (by_run, by_hand):
        live = live_of(written, a_volume_node)
        for threshold in (0.3, 0.75, 0.1):
            live.apply(threshold)
            assert np.array_equal(mask_of(written, a_volume_node), above(threshold, rule))
        live.finish()
        live.apply(0.5)  # goes on from what it recorded itself
        assert np.array_equal(mask_of(written, a_volume_node), mask)
        live.finish()
        assert not was_edited(written.segmentation, written.segment_ids[0], a_volume_node)


def test_the_record_says_what_was_removed(write: Any, a_volume_node: Any) -> None:
    written = write("largest")

    def told() -> dict[str, Any]:
        record = export_record(written.segmentation, a_volume_node, written.segment_ids, {}, ())
        [segment] = json.loads(json.dumps(record, allow_nan=False))["segments"]
        return dict(segment)

    removed = {"count": 2, "voxels": 21, "sizes": [18, 3]}
    assert removed_islands_of(segment_of(written)) == removed
    assert (told()["islands"], told()["removed_islands"]) == ({"keep": "largest", "unit": None}, removed)
    assert told()["edited"] is False
    live = live_of(written, a_volume_node)
    live.apply(0.5, 10.0)
    live.finish()
    assert told()["islands"] == {"keep": 10.0, "unit": "mm³"}
    assert told()["removed_islands"] == {"count": 1, "voxels": 3, "sizes": [3]}
    live.apply(0.5, "all")
    live.finish()
    assert (told()["islands"], told()["removed_islands"]) == ({"keep": "all", "unit": None}, None)
    assert told()["voxels"] == 61
    segment_of(written).SetTag("MedCLIPSeg.Islands", "many")
    segment_of(written).SetTag("MedCLIPSeg.RemovedIslands", "[3")
    assert (island_rule_of(segment_of(written)), removed_islands_of(segment_of(written))) == ("all", None)


def test_undo_brings_islands_back_and_the_slider_goes_on_from_there(
    a_scene: Any, write: Any, a_volume_node: Any
) -> None:
    written = write()
    editor = undo_editor(a_scene, written.segmentation, a_volume_node)
    before = masks_of(written.segmentation, a_volume_node)
    editor.SaveStateForUndo()
    live = live_of(written, a_volume_node)
    live.apply(0.5, "largest")
    live.finish()
    editor.Undo()
    assert_same_masks(masks_of(written.segmentation, a_volume_node), before)
    assert island_rule_of(segment_of(written)) == "all"
    assert not was_edited(written.segmentation, written.segment_ids[0], a_volume_node)
    editor.Redo()
    assert island_rule_of(segment_of(written)) == "largest"
    editor.Undo()
    live = live_of(written, a_volume_node)
    live.apply(0.75)
    assert np.array_equal(mask_of(written, a_volume_node), above(0.75, "all"))


def test_painting_an_island_back_is_an_edit(a_scene: Any, write: Any, a_volume_node: Any) -> None:
    written = write("largest")
    editor = undo_editor(a_scene, written.segmentation, a_volume_node)
    paint(editor, written.segment_ids[0], (blobs() > 0.5).astype(np.uint8))
    assert was_edited(written.segmentation, written.segment_ids[0], a_volume_node)
    with pytest.raises(MedCLIPSegError, match="was edited by hand"):
        live_of(written, a_volume_node)


@pytest.mark.parametrize(("rule", "stays"), [("largest", True), (1000.0, False)])
def test_the_verdict_goes_with_the_last_island(write: Any, a_volume_node: Any, rule: IslandRule, stays: bool) -> None:
    written = write("all", Verdict("found", "It is outlined."))
    live = live_of(written, a_volume_node)
    live.apply(0.5, rule)
    live.finish()
    assert (verdict_of(segment_of(written)) is not None) == stays
