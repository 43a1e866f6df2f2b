"""Reviews on segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_samples import SHAPE, MakeResult, box

from MedCLIPSegLogic.desk.review import Review
from MedCLIPSegLogic.scene.export import save_segmentation
from MedCLIPSegLogic.scene.export_record import export_record
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segment_review import mask_fingerprint, review_of, standings_of, write_review
from MedCLIPSegLogic.scene.segmentation import segment_mask, set_segment_mask
from MedCLIPSegLogic.scene.tags import PREFIX

NOTE = "left | “lobe”: too\nlarge"


@pytest.fixture
def written(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> SceneResult:
    maps = {name: box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8)) for name in ("liver", "spleen")}
    return write_result(a_scene, a_volume_node, make_result(maps))


@pytest.fixture
def a_review(written: SceneResult, a_volume_node: Any) -> Review:
    """On the first segment, as it is."""
    mask = mask_fingerprint(written.segmentation, written.segment_ids[0], a_volume_node)
    review = Review("rejected", "Zoë | Ann", "2026-11-27T10:00:00.000001+00:00", NOTE, mask)
    write_review(written.segmentation, written.segment_ids[0], review)
    return review


def test_review_survives_the_file_of_the_segmentation(
    a_scene: Any, a_volume_node: Any, written: SceneResult, a_review: Review, tmp_path: Path
) -> None:
    assert review_of(written.segmentation, written.segment_ids[0], a_volume_node) == a_review
    assert review_of(written.segmentation, written.segment_ids[1], a_volume_node) is None
    save_segmentation(written.segmentation, tmp_path / "a.seg.nrrd")
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(str(tmp_path / "a.seg.nrrd"))
    assert node.GetStorageNode().ReadData(node)
    standings = standings_of(node, a_volume_node)
    assert standings["liver"].reviews == (a_review,)
    assert (standings["liver"].state, standings["spleen"].state) == ("rejected", "unreviewed")


def test_review_speaks_of_its_mask_only(written: SceneResult, a_volume_node: Any, a_review: Review) -> None:
    segment_id = written.segment_ids[0]
    before = segment_mask(written.segmentation, segment_id, a_volume_node)
    set_segment_mask(written.segmentation, segment_id, np.ones_like(before), a_volume_node)
    assert review_of(written.segmentation, segment_id, a_volume_node) is None
    set_segment_mask(written.segmentation, segment_id, before, a_volume_node)  # as undo does
    assert review_of(written.segmentation, segment_id, a_volume_node) == a_review


def test_new_run_ends_the_review_even_with_the_same_mask(
    a_scene: Any, written: SceneResult, a_volume_node: Any, a_review: Review, make_result: MakeResult
) -> None:
    maps = {"liver": box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))}
    write_result(a_scene, a_volume_node, make_result(maps), written.segmentation)
    assert review_of(written.segmentation, written.segment_ids[0], a_volume_node) is None


@pytest.mark.parametrize(("tag", "value"), [("ReviewState", "fine"), ("ReviewTime", "noon"), ("ReviewMask", "")])
def test_damaged_review_is_none(
    written: SceneResult, a_volume_node: Any, a_review: Review, tag: str, value: str
) -> None:
    written.segmentation.GetSegmentation().GetSegment(written.segment_ids[0]).SetTag(PREFIX + tag, value)
    assert review_of(written.segmentation, written.segment_ids[0], a_volume_node) is None


def test_export_tells_of_segments_and_of_the_case(written: SceneResult, a_volume_node: Any, a_review: Review) -> None:
    told = export_record(written.segmentation, a_volume_node, written.segment_ids, {}, [])
    first, second = told["segments"]
    assert (first["review_state"], first["reviewer"], first["review_time"], first["review_note"]) == (
        "rejected",
        a_review.reviewer,
        a_review.time,
        NOTE,
    )
    assert (second["review_state"], second["reviewer"]) == ("unreviewed", None)
    assert told["review"] == {"state": "rejected", "reviewer": a_review.reviewer, "time": a_review.time}
    [alone] = export_record(written.segmentation, a_volume_node, written.segment_ids[1:], {}, [])["segments"]
    assert alone["review_state"] == "unreviewed"
