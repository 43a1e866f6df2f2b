"""Kind of study and prompt design of the methods without training data."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pythonqt
import slicer
from slicerhost.fixtures import Pump
from zero_shot_panel import addPicture, choose, isShown, runAll, setChoice

from MedCLIPSegLogic.clip_sam.m2ib import PUBLISHED
from MedCLIPSegLogic.clip_sam.prompt_sets import load_prompt_sets
from MedCLIPSegLogic.inference import clip_towers
from MedCLIPSegLogic.inference.clip_towers import load_towers
from MedCLIPSegLogic.scene.tags import segment_record

SETS = load_prompt_sets()


@pytest.fixture
def a_method(a_module_widget: Any) -> Any:
    """The panel with MedCLIP-SAMv2 chosen."""
    a_module_widget.ui.modelCollapsibleButton.collapsed = False
    choose(a_module_widget, "medclip-sam-v2")
    setChoice(a_module_widget.ui.zeroShotSamComboBox, "none")
    return a_module_widget


def keys(combo: Any) -> list[str]:
    return [combo.itemData(index) for index in range(combo.count)]


def settingsOf(widget: Any, row: int = 0) -> Any:
    logic = widget.logic
    segment = logic.segmentationNode.GetSegmentation().GetSegment(logic.segmentOf(logic.rows[row]))
    return json.loads(segment_record(segment)["Settings"])


def test_the_studies_are_those_of_the_file(a_method: Any) -> None:
    ui = a_method.ui
    assert keys(ui.zeroShotStudyComboBox) == ["", *SETS.studies]
    assert ui.zeroShotStudyComboBox.itemText(1) == "Breast ultrasound"
    assert not any(map(isShown, (ui.zeroShotDesignComboBox, ui.zeroShotKindComboBox, ui.zeroShotDesignNoteLabel)))


def test_the_kinds_are_those_of_the_study(a_method: Any) -> None:
    ui = a_method.ui
    setChoice(ui.zeroShotStudyComboBox, "brain MRI")
    assert isShown(ui.zeroShotDesignComboBox)
    assert not isShown(ui.zeroShotKindComboBox)
    setChoice(ui.zeroShotDesignComboBox, "P1")
    assert isShown(ui.zeroShotKindComboBox)
    assert keys(ui.zeroShotKindComboBox) == ["", *SETS.studies["brain MRI"].classes]
    assert ui.zeroShotDesignNoteLabel.text.startswith("These sentences describe one kind of the object: choose it")
    setChoice(ui.zeroShotKindComboBox, "glioma")
    assert ui.zeroShotDesignNoteLabel.text.endswith("looked for is: glioma brain tumor")


def test_where_there_are_no_kinds_no_design_needs_one(a_method: Any) -> None:
    ui = a_method.ui
    setChoice(ui.zeroShotStudyComboBox, "lung CT")
    assert keys(ui.zeroShotDesignComboBox) == ["", "P0", "P2", "P4"]
    setChoice(ui.zeroShotDesignComboBox, "P4")
    assert not isShown(ui.zeroShotKindComboBox)
    sentences = SETS.sentences("P4", "lung CT")
    assert f"the mean of {len(sentences)} sentences" in ui.zeroShotDesignNoteLabel.text
    assert ui.zeroShotDesignNoteLabel.text.endswith(sentences[0])


def test_what_another_study_does_not_have_is_given_up(a_method: Any) -> None:
    ui, parameters = a_method.ui, a_method.logic.parameters
    setChoice(ui.zeroShotStudyComboBox, "brain MRI")
    setChoice(ui.zeroShotDesignComboBox, "P5")
    setChoice(ui.zeroShotKindComboBox, "glioma")
    setChoice(ui.zeroShotStudyComboBox, "breast ultrasound")
    assert (parameters.zeroShotDesign, parameters.zeroShotKind) == ("P5", "")
    setChoice(ui.zeroShotStudyComboBox, "lung CT")
    assert (parameters.zeroShotDesign, parameters.zeroShotKind) == ("", "")
    setChoice(ui.zeroShotDesignComboBox, "P0")
    setChoice(ui.zeroShotStudyComboBox, "")
    assert parameters.zeroShotDesign == ""
    assert not isShown(ui.zeroShotDesignComboBox)


def test_a_study_this_version_does_not_know_is_kept_and_refused(a_method: Any, pump: Pump) -> None:
    addPicture()
    a_method.logic.rows.add(["tumor"])
    a_method.logic.parameters.zeroShotStudy = "knee MRI"
    pythonqt.processEvents(30)
    assert "There is no study 'knee MRI'; choose one of breast ultrasound" in runAll(a_method, pump)
    assert a_method.ui.zeroShotStudyComboBox.currentText == "Knee MRI"
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")


def test_a_run_asks_for_the_sentences_and_takes_the_published_settings(a_method: Any, pump: Pump) -> None:
    addPicture()
    ui = a_method.ui
    setChoice(ui.zeroShotStudyComboBox, "breast ultrasound")
    setChoice(ui.zeroShotDesignComboBox, "P5")
    setChoice(ui.zeroShotKindComboBox, "malignant")
    a_method.logic.rows.add(["finding"])
    assert "Done in" in runAll(a_method, pump)
    settings = settingsOf(a_method)
    assert settings["prompts"] == ["finding"]
    assert settings["study"] == "breast ultrasound"
    assert settings["sentences"] == {"finding": SETS.sentences("P5", "breast ultrasound", "malignant")}
    assert (settings["saliency"]["layer"], settings["saliency"]["beta"]) == (
        PUBLISHED["breast"].layer,
        PUBLISHED["breast"].beta,
    )
    setChoice(ui.zeroShotStudyComboBox, "")  # the next run must not keep them
    runAll(a_method, pump)
    settings = settingsOf(a_method)
    assert settings["study"] is None
    assert settings["sentences"] == {}
    assert settings["saliency"]["beta"] == PUBLISHED["default"].beta


def test_another_study_does_not_load_the_towers_again(
    a_method: Any, pump: Pump, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(clip_towers, "load_towers", lambda name: loaded.append(name) or load_towers(name))
    addPicture()
    a_method.logic.rows.add(["finding"])
    for study in ("breast ultrasound", ""):
        setChoice(a_method.ui.zeroShotStudyComboBox, study)
        assert "Done in" in runAll(a_method, pump)
        assert settingsOf(a_method)["study"] == (study or None)
    assert len(loaded) == 1


def test_a_design_speaks_of_one_prompt(a_method: Any, pump: Pump) -> None:
    addPicture()
    setChoice(a_method.ui.zeroShotStudyComboBox, "breast ultrasound")
    setChoice(a_method.ui.zeroShotDesignComboBox, "P0")
    a_method.logic.rows.add(["left one", "right one"])
    assert "P0 speaks of one thing; give a single prompt" in runAll(a_method, pump)
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")


def test_a_design_without_its_kind_is_refused(a_method: Any, pump: Pump) -> None:
    addPicture()
    setChoice(a_method.ui.zeroShotStudyComboBox, "brain MRI")
    setChoice(a_method.ui.zeroShotDesignComboBox, "P3")
    a_method.logic.rows.add(["tumor"])
    assert "need a kind; there is: glioma, meningioma, pituitary tumor" in runAll(a_method, pump)
