"""Records on segments."""

from __future__ import annotations

import json
from typing import Any

import pytest
import slicer
from scene_samples import SHAPE, MakeResult, box, written_segments

from MedCLIPSegLogic.scene.tags import decode, encode, is_edited, mark_edited, mask_hash, segment_record


def test_encoding_is_plain_and_reversible() -> None:
    for text in ["a|b:c", "“x” 'y' \"z\"\n\t%7C", "左肾 é ß", " both ends ", "", "50 % of x^2"]:
        coded = encode(text)
        assert decode(coded) == text
        assert coded.isascii()
        assert coded == coded.strip()
        assert not set(coded) & set("|\n\t\"'")


def test_record_holds_prompt_settings_and_numbers(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    settings = {"model": "a|b", "model_hash": "12ab", "samples": 30, "seed": 0, "plane": "axial", "levels": [40, 400]}
    result = make_result({"liver": box(SHAPE, slice(1), slice(3), slice(3))}, settings=settings)
    node = written_segments(a_scene, a_volume_node, result)
    record = segment_record(node.GetSegmentation().GetNthSegment(0))
    assert json.loads(record.pop("Settings")) == settings
    assert record.pop("MaskHash") == mask_hash(result.prompts[0].mask)
    assert float(record.pop("MeanUncertainty")) == pytest.approx(result.prompts[0].mean_uncertainty, rel=1e-5)
    assert record == {
        "Prompt": "liver",
        "Model": "a|b",
        "ModelHash": "12ab",
        "Samples": "30",
        "Seed": "0",
        "Threshold": "0.5",
        "Edited": "0",
    }


def test_settings_of_an_earlier_run_do_not_linger(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    maps = {"liver": box(SHAPE, slice(1), slice(3), slice(3))}
    node = written_segments(a_scene, a_volume_node, make_result(maps, settings={"model": "a", "model_hash": "1"}))
    written_segments(a_scene, a_volume_node, make_result(maps, settings={"model": "b"}), node)
    record = segment_record(node.GetSegmentation().GetNthSegment(0))
    assert record["Model"] == "b"
    assert "ModelHash" not in record


def test_foreign_segments_have_no_record() -> None:
    assert segment_record(slicer.vtkSegment()) == {}


def test_mark_edited() -> None:
    segment = slicer.vtkSegment()
    assert not is_edited(segment)
    mark_edited(segment)
    assert is_edited(segment)
