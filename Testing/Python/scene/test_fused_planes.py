"""What a run in three planes leaves in the scene: the disagreement as a map, the agreement with the segment."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_samples import SHAPE, MakeResult, box

from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.arrays import copy_voxels
from MedCLIPSegLogic.scene.export_record import export_record
from MedCLIPSegLogic.scene.export_set import ExportChoice, export_results
from MedCLIPSegLogic.scene.map_volumes import DISAGREEMENT, find_map, map_role
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.tags import segment_record
from MedCLIPSegLogic.volumes.readers import read_volume

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))
BETWEEN = np.random.default_rng(3).uniform(0, math.log(2), SHAPE).astype(np.float32)


@pytest.fixture
def plain(make_result: MakeResult) -> SegmentationResult:
    return make_result({"liver": LIVER, "spleen": LIVER[::-1].copy()})


@pytest.fixture
def fused(plain: SegmentationResult) -> SegmentationResult:
    """The first prompt was fused of three planes, the second held back."""
    first, second = plain.prompts
    return replace(plain, prompts=(replace(first, disagreement=BETWEEN, plane_agreement=0.8125), second))


def test_the_map_and_the_score_are_there_until_a_run_in_one_plane(
    a_scene: Any, a_volume_node: Any, plain: SegmentationResult, fused: SegmentationResult, tmp_path: Path
) -> None:
    written = write_result(a_scene, a_volume_node, fused)
    [node] = written.disagreement_maps
    assert map_role(node) is DISAGREEMENT
    np.testing.assert_array_equal(copy_voxels(node.GetImageData()), BETWEEN)
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0, math.log(2)))
    segmentation = written.segmentation.GetSegmentation()
    first, second = (segment_record(segmentation.GetSegment(segment_id)) for segment_id in written.segment_ids)
    assert (first["PlaneAgreement"], "PlaneAgreement" in second) == ("0.8125", False)
    told = export_record(written.segmentation, a_volume_node, written.segment_ids, {}, ())
    assert [segment["plane_agreement"] for segment in told["segments"]] == [0.8125, None]
    choice = ExportChoice(written.segment_ids, frozenset(), maps=True)
    export_results(written.segmentation, a_volume_node, choice, tmp_path / "out")
    np.testing.assert_array_equal(read_volume(tmp_path / "out" / "liver.planedisagreement.nii.gz").voxels, BETWEEN)
    assert not (tmp_path / "out" / "spleen.planedisagreement.nii.gz").exists()
    again = write_result(a_scene, a_volume_node, plain, written.segmentation)
    assert again.disagreement_maps == ()
    assert find_map(a_scene, a_volume_node, "liver", DISAGREEMENT) is None
    assert "PlaneAgreement" not in segment_record(segmentation.GetSegment(again.segment_ids[0]))
