"""The methods without training data in the model chooser: their settings, and runs with the bundled towers."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
from slicerhost.fixtures import Pump
from small_sam import save_sam
from zero_shot_panel import TITLES, addPicture, choose, isShown, runAll, setChoice

from MedCLIPSegLogic.clip_sam.chain import UNCERTAINTY
from MedCLIPSegLogic.clip_sam.methods import METHODS
from MedCLIPSegLogic.scene.segmentation import segment_mask
from MedCLIPSegLogic.scene.tags import segment_record

pytestmark = pytest.mark.usefixtures("a_mini_that_never_refuses")


@pytest.fixture
def a_sam(a_home: Path) -> str:
    """A tiny SAM on this computer, in the place of the one MedCLIP-SAM was published with."""
    save_sam(a_home / "models" / "sam-vit-base")
    return "sam-vit-base"


def test_the_methods_come_after_the_models(a_module_widget: Any) -> None:
    combo = a_module_widget.ui.modelComboBox
    assert [combo.itemText(index) for index in range(combo.count)][-2:] == list(TITLES.values())
    assert [combo.itemData(index) for index in range(combo.count)][-2:] == list(TITLES)


def test_their_settings_take_the_place_of_those_of_samples(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    ofSamples = (ui.sampleCountLabel, ui.sampleCountSpinBox, ui.adaptiveCheckBox)
    ui.modelCollapsibleButton.collapsed = False
    assert not isShown(ui.zeroShotWidget)
    for method in TITLES:
        choose(a_module_widget, method)
        assert a_module_widget.logic.parameters.model == method
        assert isShown(ui.zeroShotWidget)
        assert not any(map(isShown, ofSamples))
        assert "no samples are drawn" in ui.modelInfoLabel.text
        assert isShown(ui.seedSpinBox)
    setChoice(ui.modelComboBox, "mini")
    assert not isShown(ui.zeroShotWidget)
    assert all(map(isShown, ofSamples))
    assert "dermoscopy" in ui.modelInfoLabel.text


def test_without_a_sam_the_way_to_one_is_said(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    ui.modelCollapsibleButton.collapsed = False
    ui.zeroShotDetailsButton.collapsed = False
    choose(a_module_widget, "medclip-sam-v2")
    assert ui.zeroShotNoteLabel.text.startswith("No SAM is on this computer: press “Download model…” for SAM ViT-B")
    assert "or “None: the coarse mask”" in ui.zeroShotNoteLabel.text
    assert not isShown(ui.zeroShotPromptsComboBox)
    assert isShown(ui.downloadModelButton)
    setChoice(ui.zeroShotSamComboBox, "sam-vit-base")
    assert "is not on this computer: press Download model…" in ui.zeroShotNoteLabel.text
    assert isShown(ui.downloadModelButton)
    assert isShown(ui.zeroShotPromptsComboBox)
    assert isShown(ui.zeroShotPaddingSpinBox)
    assert not isShown(ui.zeroShotPointsSpinBox)
    setChoice(ui.zeroShotPromptsComboBox, "points")
    assert isShown(ui.zeroShotPointsSpinBox)
    setChoice(ui.zeroShotSamComboBox, "none")
    assert ui.zeroShotNoteLabel.text.startswith("The result is the coarse mask, not refined by SAM.")
    assert not isShown(ui.zeroShotPointsSpinBox)
    assert not isShown(ui.downloadModelButton)


def test_details_are_closed_at_first_and_show_only_what_has_an_effect(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    ui.modelCollapsibleButton.collapsed = False
    choose(a_module_widget, "medclip-sam-v2")
    assert ui.zeroShotDetailsButton.collapsed
    assert not isShown(ui.zeroShotConfidenceSpinBox)
    ui.zeroShotDetailsButton.collapsed = False
    assert isShown(ui.zeroShotConfidenceSpinBox)
    assert isShown(ui.zeroShotObjectsSpinBox)
    assert not isShown(ui.zeroShotPaddingSpinBox)
    assert not isShown(ui.zeroShotPointsSpinBox)


def test_padding_and_points_are_those_that_were_published(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    for method in METHODS.values():
        assert ui.zeroShotPaddingSpinBox.value == 100 * method.pointing.padding
        assert ui.zeroShotPointsSpinBox.value == method.pointing.points
    assert ui.zeroShotObjectsSpinBox.text == ui.zeroShotConfidenceSpinBox.text == "As published"


def test_it_is_said_that_mini_only_stands_in_for_a_clip(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    choose(a_module_widget, "medclip-sam-v2")
    words = "mini stands in for a CLIP and rarely finds the right place. Choose BiomedCLIP"
    for towers in ("", "mini"):
        setChoice(ui.zeroShotTowersComboBox, towers)
        assert words in ui.zeroShotNoteLabel.text
    setChoice(ui.zeroShotTowersComboBox, "biomedclip")
    assert "mini" not in ui.zeroShotNoteLabel.text
    assert "is not on this computer: press Download model…" in ui.zeroShotNoteLabel.text


def test_the_download_is_that_of_the_chosen_sam(
    a_module_widget: Any, monkeypatch: pytest.MonkeyPatch, pump: Any
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(a_module_widget.logic, "confirm", lambda question: bool(asked.append(question)))
    choose(a_module_widget, "medclip-sam")
    setChoice(a_module_widget.ui.zeroShotSamComboBox, "medsam")
    a_module_widget.ui.downloadModelButton.click()
    pump(lambda: asked, 30)  # for the hub to tell the size, or not
    assert len(asked) == 1
    assert asked[0].startswith("medsam:")


def test_a_run_with_a_sam_that_is_missing_is_refused(a_module_widget: Any, pump: Pump) -> None:
    addPicture()
    choose(a_module_widget, "medclip-sam")
    setChoice(a_module_widget.ui.zeroShotSamComboBox, "medsam")
    a_module_widget.logic.rows.add(["tumor"])
    assert "is not on this computer: press “Download model…” in Model" in runAll(a_module_widget, pump)
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")


def test_the_settings_come_back_with_the_scene(a_slicer: ModuleType, a_module_widget: Any, tmp_path: Path) -> None:
    ui = a_module_widget.ui
    ui.modelCollapsibleButton.collapsed = False
    choose(a_module_widget, "medclip-sam")
    setChoice(ui.zeroShotTowersComboBox, "mini")
    setChoice(ui.zeroShotSamComboBox, "none")
    setChoice(ui.zeroShotPromptsComboBox, "both")
    setChoice(ui.zeroShotBinarizationComboBox, "two-means")
    ui.zeroShotConfidenceSpinBox.value = 35
    ui.zeroShotPaddingSpinBox.value, ui.zeroShotPointsSpinBox.value, ui.zeroShotObjectsSpinBox.value = 15, 7, 3
    setChoice(ui.zeroShotStudyComboBox, "brain MRI")
    setChoice(ui.zeroShotDesignComboBox, "P3")
    setChoice(ui.zeroShotKindComboBox, "glioma")
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(100)
    assert not isShown(ui.zeroShotWidget)
    a_slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    pythonqt.processEvents(100)
    assert ui.modelComboBox.currentText == TITLES["medclip-sam"]
    assert isShown(ui.zeroShotWidget)
    combos = (
        ui.zeroShotTowersComboBox,
        ui.zeroShotSamComboBox,
        ui.zeroShotPromptsComboBox,
        ui.zeroShotBinarizationComboBox,
        ui.zeroShotStudyComboBox,
        ui.zeroShotDesignComboBox,
        ui.zeroShotKindComboBox,
    )
    assert [combo.currentData for combo in combos] == ["mini", "none", "both", "two-means", "brain MRI", "P3", "glioma"]
    numbers = (ui.zeroShotPaddingSpinBox, ui.zeroShotPointsSpinBox, ui.zeroShotObjectsSpinBox)
    assert [number.value for number in numbers] == [15, 7, 3]
    assert ui.zeroShotConfidenceSpinBox.value == 35
    assert isShown(ui.zeroShotKindComboBox)


def test_towers_of_a_scene_from_elsewhere_are_kept(a_module_widget: Any) -> None:
    choose(a_module_widget, "medclip-sam")
    a_module_widget.logic.parameters.zeroShotTowers = "/elsewhere/towers"
    pythonqt.processEvents(30)
    assert a_module_widget.ui.zeroShotTowersComboBox.currentText == "towers"
    assert a_module_widget.logic.parameters.zeroShotTowers == "/elsewhere/towers"
    assert "towers is not on this computer" in a_module_widget.ui.zeroShotNoteLabel.text


def test_a_run_gives_segment_overlay_threshold_and_export(a_module_widget: Any, pump: Pump, tmp_path: Path) -> None:
    volumeNode = addPicture()
    logic, ui = a_module_widget.logic, a_module_widget.ui
    choose(a_module_widget, "medclip-sam-v2")
    setChoice(ui.zeroShotSamComboBox, "none")
    ui.zeroShotConfidenceSpinBox.value = 0
    logic.rows.add(["breast tumor"])
    text = runAll(a_module_widget, pump)
    assert "nothing found" not in text
    assert "no samples were drawn" in text
    assert "The masks are coarse: no SAM was used." in text
    [row] = logic.rows
    segmentId = logic.segmentOf(row)
    mask = segment_mask(logic.segmentationNode, segmentId, volumeNode)
    probability = slicer.util.arrayFromVolume(logic.mapOf(row, "Probability"))
    assert mask.any()
    np.testing.assert_array_equal(mask, probability > 0.5)
    logic.parameters.currentRow = 0
    ui.overlayCheckBox.checked = True
    pythonqt.processEvents(100)
    ui.thresholdSlider.value = 0.7
    pump(lambda: logic.rows[0].threshold == 0.7, 5)
    pythonqt.processEvents(400)
    mask = segment_mask(logic.segmentationNode, segmentId, volumeNode)
    np.testing.assert_array_equal(mask, probability > 0.7)
    assert ui.statisticsTable.rowCount == 1
    ui.exportFolderButton.directory = str(tmp_path / "out")
    ui.exportButton.click()
    pump(lambda: (tmp_path / "out" / "export.json").exists(), 60)
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    [segment] = record["segments"]
    assert segment["samples"] is None
    settings = segment["settings"]
    assert (settings["method"], settings["model"], settings["sam"]) == ("medclip-sam-v2", "mini", None)
    assert (settings["binarization"], settings["components"]["confidence"]) == ("otsu", 0)
    assert settings["uncertainty"] == UNCERTAINTY


def test_a_run_with_a_sam_uses_the_settings(a_module_widget: Any, a_sam: str, pump: Pump) -> None:
    addPicture()
    logic, ui = a_module_widget.logic, a_module_widget.ui
    a_module_widget.panel.model.enter()
    choose(a_module_widget, "medclip-sam")
    assert ui.zeroShotNoteLabel.text.startswith("mini stands in")
    setChoice(ui.zeroShotPromptsComboBox, "both")
    setChoice(ui.zeroShotBinarizationComboBox, "two-means")
    ui.zeroShotPaddingSpinBox.value, ui.zeroShotPointsSpinBox.value, ui.zeroShotObjectsSpinBox.value = 20, 4, 2
    logic.rows.add(["breast tumor"])
    assert "coarse" not in runAll(a_module_widget, pump)
    segment = logic.segmentationNode.GetSegmentation().GetSegment(logic.segmentOf(logic.rows[0]))
    settings = json.loads(segment_record(segment)["Settings"])
    assert (settings["method"], settings["sam"], settings["binarization"]) == ("medclip-sam", a_sam, "two-means")
    assert settings["object_prompts"] == {"kind": "both", "padding": 0.2, "points": 4}
    assert settings["components"] == {"confidence": 0, "most": 2}


def test_nothing_found_is_a_result(a_module_widget: Any, pump: Pump) -> None:
    volumeNode = addPicture()
    logic = a_module_widget.logic
    errors: list[Exception] = []
    logic.failed.connect(errors.append)
    choose(a_module_widget, "medclip-sam-v2")
    setChoice(a_module_widget.ui.zeroShotSamComboBox, "none")
    a_module_widget.ui.zeroShotConfidenceSpinBox.value = 99
    logic.rows.add(["breast tumor"])
    assert "breast tumor: Doubtful. Nothing found." in runAll(a_module_widget, pump)
    assert errors == []
    assert logic.stateOf(logic.rows[0]) == "empty"
    assert not segment_mask(logic.segmentationNode, logic.segmentOf(logic.rows[0]), volumeNode).any()
    assert logic.mapOf(logic.rows[0], "Probability") is not None


def test_a_trained_model_follows_a_method(a_module_widget: Any, pump: Pump) -> None:
    """Both in one session, with the same row."""
    addPicture()
    logic = a_module_widget.logic
    logic.rows.add(["breast tumor"])
    choose(a_module_widget, "medclip-sam-v2")
    setChoice(a_module_widget.ui.zeroShotSamComboBox, "none")
    runAll(a_module_widget, pump)
    setChoice(a_module_widget.ui.modelComboBox, "mini")
    logic.parameters.sampleCount = 3
    assert "samples per slice" in runAll(a_module_widget, pump)
    segment = logic.segmentationNode.GetSegmentation().GetSegment(logic.segmentOf(logic.rows[0]))
    assert "method" not in json.loads(segment_record(segment)["Settings"])
