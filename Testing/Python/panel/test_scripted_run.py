"""`MedCLIPSegLogic.segment`, for scripts: the same choices as in the panel, the same result."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import slicer
import slicerhost
from review_samples import addImage
from slicerhost.fixtures import Pump
from small_sam import save_sam
from zero_shot_panel import addPicture, choose, runAll

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.map_volumes import PROBABILITY, find_map
from MedCLIPSegLogic.scene.segmentation import segment_mask
from MedCLIPSegLogic.scene.tags import segment_record


@pytest.fixture
def a_logic(a_slicer: ModuleType) -> Any:
    slicerhost.loadModule("MedCLIPSeg")
    from MedCLIPSegLib.module_logic import MedCLIPSegLogic

    return MedCLIPSegLogic()


def settingsOf(segmentation: Any, index: int = 0) -> Any:
    return json.loads(segment_record(segmentation.GetSegmentation().GetNthSegment(index))["Settings"])


def test_a_trained_model(a_logic: Any) -> None:
    node = addImage()
    segmentation = a_logic.segment(node, ["liver", "spleen"], samples=1, slices=(2, 4), plane="axial", seed=3)
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 2
    settings = settingsOf(segmentation)
    assert (settings["samples"], settings["slices"], settings["seed"]) == (1, [2, 4], 3)


def test_a_method_without_training_data_does_what_the_panel_does(a_module_widget: Any, pump: Pump) -> None:
    node = addPicture()
    logic, parameters = a_module_widget.logic, a_module_widget.logic.parameters
    choose(a_module_widget, "medclip-sam-v2")
    parameters.zeroShotSam, parameters.zeroShotStudy, parameters.zeroShotDesign = "none", "breast ultrasound", "P2"
    parameters.zeroShotBinarization, parameters.zeroShotConfidence, parameters.zeroShotObjects = "two-means", 10, 2
    logic.rows.add(["tumor"])
    runAll(a_module_widget, pump)
    ofPanel = logic.segmentationNode
    other = addPicture()
    segmentation = logic.segment(
        other,
        ["tumor"],
        model="medclip-sam-v2",
        sam="none",
        study="breast ultrasound",
        design="P2",
        binarization="two-means",
        confidence=0.1,
        objects=2,
    )
    maps = [find_map(slicer.mrmlScene, image, "tumor", PROBABILITY) for image in (node, other)]
    expected, values = (slicer.util.arrayFromVolume(map) for map in maps)
    assert expected.any()
    np.testing.assert_array_equal(values, expected)
    mine, theirs = settingsOf(segmentation), settingsOf(ofPanel)
    for name in ("intensity", "versions"):
        mine.pop(name), theirs.pop(name)
    assert mine == theirs


def test_a_sam_refines_and_every_setting_arrives(a_logic: Any, a_home: Any) -> None:
    save_sam(a_home / "models" / "sam-vit-base")
    node = addPicture()
    segmentation = a_logic.segment(
        node,
        ["tumor"],
        model="medclip-sam-v2",
        towers="mini",
        objectPrompts="both",
        padding=0.2,
        points=4,
        confidence=0,
        threshold=0.4,
    )
    settings = settingsOf(segmentation)
    assert (settings["sam"], settings["model"], settings["threshold"]) == ("sam-vit-base", "mini", 0.4)
    assert settings["components"]["confidence"] == 0
    assert settings["object_prompts"] == {"kind": "both", "padding": 0.2, "points": 4}
    values = slicer.util.arrayFromVolume(find_map(slicer.mrmlScene, node, "tumor", PROBABILITY))
    [segmentId] = segmentation.GetSegmentation().GetSegmentIDs()
    np.testing.assert_array_equal(segment_mask(segmentation, segmentId, node), values > 0.4)


def test_what_cannot_be_is_refused_and_nothing_is_written(a_logic: Any) -> None:
    node = addPicture()
    for settings, words in (
        ({"model": "medclip-sam", "cut": 1}, "The setting 'cut' is unknown"),
        ({"model": "medclip-sam", "binarization": "triangle"}, "triangle; it must be 'crf', 'otsu' or 'two-means'"),
        ({"model": "medclip-sam", "objectPrompts": "arrows"}, "arrows; it must be 'box', 'points' or 'both'"),
        ({"model": "medclip-sam", "design": "P7", "study": "lung CT"}, "P7; it must be 'P0'"),
        ({"model": "medclip-sam", "design": "P4"}, "P4 is that of a kind of study"),
        ({"model": "medclip-sam", "sam": "medsam"}, "is not on this computer"),
        ({"model": "medclip-sam", "padding": 2}, "padding is 2"),
        ({"model": "mini", "sam": "none"}, "The setting 'sam' belongs to medclip-sam and medclip-sam-v2"),
        ({"samples": 0}, "number of samples is 0"),
    ):
        with pytest.raises(MedCLIPSegError, match=words):
            a_logic.segment(node, ["tumor"], **settings)
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
