"""Verdicts in a scene: tags of segments, and what goes when an answer is held back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_samples import SHAPE, MakeResult, box

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.knowledge.verdict import Verdict, VerdictKind
from MedCLIPSegLogic.scene.export import save_scene, save_segmentation
from MedCLIPSegLogic.scene.export_record import add_training_row, export_record
from MedCLIPSegLogic.scene.map_volumes import MAP_ROLES, PROBABILITY, expected_entropy_map, find_map, map_nodes
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import find_segmentation, set_segment_mask
from MedCLIPSegLogic.scene.tags import PREFIX, encode, mark_edited, segment_record, verdict_of
from MedCLIPSegLogic.scene.threshold import LiveThreshold

VERDICT = Verdict("doubtful", "Check the outline: it “falls” | into\nmany pieces; ask for “肾”.", ("a | b", "肾"))
UNKNOWN = Verdict("not-understood", "The model does not understand “liver”.", ("tumor",))


@pytest.fixture
def liver(make_result: MakeResult) -> SegmentationResult:
    return make_result({"liver": box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))})


def judged(result: SegmentationResult, verdict: Verdict, **changes: Any) -> SegmentationResult:
    """The result with a verdict on its only prompt."""
    prompt = dataclasses.replace(result.prompts[0], verdict=verdict, **changes)
    return dataclasses.replace(result, prompts=(prompt,))


def held_back(result: SegmentationResult, verdict: Verdict) -> SegmentationResult:
    nothing = {"probability": None, "uncertainty": None, "mutual_information": None, "mean_uncertainty": None}
    return judged(result, verdict, mask=np.zeros(SHAPE, np.uint8), **nothing)


def segment_of(written: SceneResult) -> Any:
    return written.segmentation.GetSegmentation().GetSegment(written.segment_ids[0])


def test_a_verdict_survives_both_kinds_of_file(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult, tmp_path: Path
) -> None:
    written = write_result(a_scene, a_volume_node, judged(liver, VERDICT))
    assert verdict_of(segment_of(written)) == VERDICT
    save_scene(a_scene, tmp_path / "a.mrb")
    loaded = create_scene()
    assert loaded.scene.ReadFromMRB(str(tmp_path / "a.mrb"))
    node = loaded.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert verdict_of(node.GetSegmentation().GetNthSegment(0)) == VERDICT
    save_segmentation(written.segmentation, tmp_path / "a.seg.nrrd")
    again = create_scene()
    node = again.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = again.scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(tmp_path / "a.seg.nrrd"))
    assert storage.ReadData(node)
    assert verdict_of(node.GetSegmentation().GetNthSegment(0)) == VERDICT


def test_an_answer_held_back_empties_the_segment_and_takes_its_maps_away(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult
) -> None:
    first = write_result(a_scene, a_volume_node, judged(liver, VERDICT))
    assert expected_entropy_map(a_scene, a_volume_node, "liver") is not None
    assert len(list(map_nodes(a_scene, a_volume_node))) == len(MAP_ROLES) - 1  # none of planes, as one was asked
    node = find_segmentation(a_scene, a_volume_node)
    second = write_result(a_scene, a_volume_node, held_back(liver, UNKNOWN), node)
    assert second.segment_ids == first.segment_ids
    assert list(map_nodes(a_scene, a_volume_node)) == []
    assert second.probability_maps == ()
    record = segment_record(segment_of(second))
    assert "MeanUncertainty" not in record
    assert verdict_of(segment_of(second)) == UNKNOWN
    [told] = export_record(second.segmentation, a_volume_node, second.segment_ids, {}, ())["segments"]
    assert (told["verdict"], told["verdict_text"], told["suggestions"]) == ("not-understood", UNKNOWN.text, ["tumor"])
    assert (told["mean_uncertainty_nats"], told["voxels"]) == (None, 0)
    third = write_result(a_scene, a_volume_node, liver, node)  # of a run that does not judge
    assert verdict_of(segment_of(third)) is None
    [told] = export_record(third.segmentation, a_volume_node, third.segment_ids, {}, ())["segments"]
    assert (told["verdict"], told["verdict_text"], told["suggestions"]) == (None, None, [])


def test_prompts_with_and_without_maps_go_together(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult, make_result: MakeResult
) -> None:
    other = make_result({"lesion": box(SHAPE, slice(1, 4), slice(4, 9), slice(3, 9))})
    both = dataclasses.replace(liver, prompts=(*held_back(liver, UNKNOWN).prompts, *other.prompts))
    written = write_result(a_scene, a_volume_node, both)
    assert len(written.segment_ids) == 2
    assert written.probability_maps == (find_map(a_scene, a_volume_node, "lesion", PROBABILITY),)
    assert find_map(a_scene, a_volume_node, "liver", PROBABILITY) is None


@pytest.mark.parametrize(
    ("kind", "threshold", "stays"),
    [
        ("found", 0.4, True),
        ("found", 0.95, False),
        ("doubtful", 0.05, True),
        ("not-understood", 0.95, True),
        ("foreign-image", 0.4, True),
    ],
)
def test_a_verdict_goes_when_the_threshold_makes_it_untrue(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult, kind: VerdictKind, threshold: float, stays: bool
) -> None:
    verdict = Verdict(kind, "A sentence.", ("tumor",))
    mean = None if verdict.is_unknown else 0.2
    written = write_result(a_scene, a_volume_node, judged(liver, verdict, mean_uncertainty=mean))
    live = LiveThreshold(written.segmentation, written.segment_ids[0], written.probability_maps[0], a_volume_node)
    live.apply(threshold)
    live.finish()
    assert verdict_of(segment_of(written)) == (verdict if stays else None)
    assert ("MeanUncertainty" in segment_record(segment_of(written))) != verdict.is_unknown


def test_what_was_not_there_is_judged_no_more_when_a_lower_threshold_finds_it(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    absent = judged(make_result({"liver": np.full(SHAPE, 0.1, np.float32)}), Verdict("absent", "No liver is seen."))
    written = write_result(a_scene, a_volume_node, absent)
    live = LiveThreshold(written.segmentation, written.segment_ids[0], written.probability_maps[0], a_volume_node)
    for threshold, is_judged in ((0.2, True), (0.05, False)):
        live.apply(threshold)
        live.finish()
        assert (verdict_of(segment_of(written)) is not None) == is_judged


def test_a_person_s_edit_keeps_what_was_said_of_the_answer(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult
) -> None:
    written = write_result(a_scene, a_volume_node, judged(liver, VERDICT))
    mark_edited(segment_of(written))
    assert verdict_of(segment_of(written)) == VERDICT


def test_an_answer_held_back_teaches_nothing_until_a_person_outlines_it(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult, tmp_path: Path
) -> None:
    written = write_result(a_scene, a_volume_node, held_back(liver, UNKNOWN))
    arguments = (written.segmentation, written.segment_ids[0], a_volume_node, tmp_path / "set", "Train")
    with pytest.raises(MedCLIPSegError, match="was held back"):
        add_training_row(*arguments)
    assert not (tmp_path / "set").exists()
    set_segment_mask(written.segmentation, written.segment_ids[0], liver.prompts[0].mask, a_volume_node)
    add_training_row(*arguments)
    assert (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("tag", "value"), [("Verdict", "certain"), ("Suggestions", "[1"), ("Suggestions", "7"), ("Suggestions", "nul")]
)
def test_damaged_tags_are_no_verdict(
    a_scene: Any, a_volume_node: Any, liver: SegmentationResult, tag: str, value: str
) -> None:
    segment = segment_of(write_result(a_scene, a_volume_node, judged(liver, VERDICT)))
    segment.SetTag(PREFIX + tag, encode(value))
    assert verdict_of(segment) is None
