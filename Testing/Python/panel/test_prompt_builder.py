"""Prompts built of what the model knows, completed and looked at while they are typed; by keys alone."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
from known_model import BRAIN, KNOWLEDGE, ULTRASOUND, choose, knowingModel
from prompt_keys import activate, key, typeInto
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from review_samples import addImage, addResults
from scenarios import waitUntil

from MedCLIPSegLogic.knowledge import prompt_sentence
from MedCLIPSegLogic.knowledge.completion import complete
from MedCLIPSegLogic.knowledge.linter import Remark
from MedCLIPSegLogic.knowledge.prompt_parts import PartChoices, PromptParts
from MedCLIPSegLogic.knowledge.verdict import Verdict

CHOICES = PartChoices(
    ("tumor", "mass"), ("one", "two"), ("small", "large"), (), ("oval",), ("top left", "center", "right")
)


@pytest.fixture
def a_knowing_panel(a_module_widget: Any, tmp_path: Path) -> Any:
    choose(a_module_widget, knowingModel(tmp_path / "model"))
    return a_module_widget


@pytest.fixture
def a_builder(a_knowing_panel: Any, runs: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """An open builder that knows `CHOICES`, whatever the words of this version are, and says them in their order."""
    monkeypatch.setattr("MedCLIPSegLogic.knowledge.prompt_parts.choices_of", lambda _knowledge, _kind: CHOICES)
    monkeypatch.setattr(
        prompt_sentence, "sentence", lambda parts, _knowledge, kind: "|".join([*_words(parts), kind or "any kind"])
    )
    node = addImage(shape=(1, 30, 60))
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)  # as pictures lie
    a_knowing_panel.logic.parameters.inputVolume = node
    activate(a_knowing_panel.ui.promptLineEdit)
    a_knowing_panel.ui.buildPromptButton.checked = True
    pythonqt.processEvents(50)
    return a_knowing_panel


def _words(parts: PromptParts) -> list[str]:
    return [word for word in (parts.count, parts.size, parts.color, parts.shape, parts.thing, parts.place) if word]


def entries(combo: Any) -> list[str]:
    return [combo.itemText(index) for index in range(combo.count)]


def test_it_offers_only_what_is_known_and_says_a_first_prompt(a_builder: Any) -> None:
    ui = a_builder.ui
    assert entries(ui.builderKindComboBox) == ["any", *KNOWLEDGE.kinds]
    assert entries(ui.builderThingComboBox) == ["tumor", "mass"]
    assert entries(ui.builderSizeComboBox) == ["not said", "small", "large"]
    assert not ui.builderColorComboBox.isVisibleTo(ui.promptBuilderFrame)
    assert not ui.builderColorLabel.isVisibleTo(ui.promptBuilderFrame)
    assert ui.promptLineEdit.text == "tumor|any kind"
    assert a_builder.parent.minimumSizeHint.width() <= 300 - 18


def test_by_keys_alone_from_the_line_to_a_run(a_builder: Any, runs: list[list[str]]) -> None:
    ui = a_builder.ui
    ui.buildPromptButton.checked = False
    activate(ui.promptLineEdit)
    QTest.keyClick(pythonqt.unwrap(ui.promptLineEdit).window(), Qt.Key.Key_B, Qt.KeyboardModifier.AltModifier)
    # The button is shown pressed for a moment.
    waitUntil(lambda: ui.promptBuilderFrame.isVisibleTo(ui.promptsCollapsibleButton), 10)
    passed = []
    while QApplication.focusWidget().objectName() != "builderPlaceComboBox":
        passed.append(QApplication.focusWidget().objectName())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert len(passed) < 10, passed
    assert passed == [f"builder{name}ComboBox" for name in ("Kind", "Thing", "Count", "Size", "Shape")]
    assert ui.promptLineEdit.text == f"one|small|oval|mass|{ULTRASOUND}"
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    pythonqt.processEvents(50)
    assert runs == [[f"one|small|oval|mass|{ULTRASOUND}"]]
    assert ui.promptLineEdit.text == ""


def test_what_was_typed_stays_until_something_is_chosen(a_builder: Any) -> None:
    ui = a_builder.ui
    ui.buildPromptButton.checked = False
    ui.promptLineEdit.text = "my own words"
    ui.buildPromptButton.checked = True
    pythonqt.processEvents(50)
    assert ui.promptLineEdit.text == "my own words"
    ui.builderCountComboBox.currentIndex = 2
    assert ui.promptLineEdit.text == "two|tumor|any kind"


@pytest.mark.parametrize(
    ("points", "place"),
    [
        ([(-5, -5, 0)], "top left"),
        ([(-55, -15, 0)], "right"),
        ([(-25, -10, 0), (-35, -20, 0)], "center"),
        ([(-58, -2, 0)], "right"),  # "top right" is no word of this model
    ],
)
def test_a_click_or_a_box_in_a_view_is_a_place(
    a_slicer: ModuleType, a_builder: Any, points: list[Any], place: str
) -> None:
    before = a_slicer.mrmlScene.GetNumberOfNodes()
    ui = a_builder.ui
    button = ui.placePointButton if len(points) == 1 else ui.placeBoxButton
    button.click()
    assert "slice view" in ui.statusLabel.text
    node = a_slicer.util.getNodesByClass("vtkMRMLMarkupsNode")[0]
    for point in points:
        assert button.checked
        node.AddControlPoint(point)
        pythonqt.processEvents(50)
    assert not button.checked
    assert ui.builderPlaceComboBox.currentText == place
    assert ui.promptLineEdit.text == f"tumor|{place}|any kind"
    assert a_slicer.mrmlScene.GetNumberOfNodes() == before


def test_giving_up_a_click_leaves_nothing(a_slicer: ModuleType, a_builder: Any) -> None:
    ui = a_builder.ui
    interaction = a_slicer.app.applicationLogic().GetInteractionNode()

    def again() -> None:
        ui.placePointButton.click()

    def escape() -> None:
        interaction.SwitchToViewTransformMode()

    def close() -> None:
        ui.buildPromptButton.checked = False

    def leave() -> None:
        a_slicer.util.selectModule("Volumes")

    for giveUp in (again, escape, close, leave):
        ui.buildPromptButton.checked = True
        pythonqt.processEvents(50)
        before = a_slicer.mrmlScene.GetNumberOfNodes()
        ui.placePointButton.click()
        assert interaction.GetCurrentInteractionMode() == a_slicer.vtkMRMLInteractionNode.Place
        giveUp()
        pythonqt.processEvents(50)
        assert interaction.GetCurrentInteractionMode() != a_slicer.vtkMRMLInteractionNode.Place, giveUp.__name__
        assert not ui.placePointButton.checked
        assert a_slicer.mrmlScene.GetNumberOfNodes() == before
        assert ui.builderPlaceComboBox.currentText == "not said"


def test_a_scene_closed_while_a_click_is_awaited(a_slicer: ModuleType, a_builder: Any) -> None:
    a_builder.ui.placeBoxButton.click()
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(100)
    assert not a_builder.ui.placeBoxButton.checked


def test_the_kind_of_the_last_run_is_the_builders(a_knowing_panel: Any) -> None:
    ui, logic = a_knowing_panel.ui, a_knowing_panel.logic
    assert logic.imageKind is None
    logic.chosenKind = "colonoscopy"
    logic.parameters.inputVolume = addImage("first")
    assert logic.imageKind == "colonoscopy"
    logic.parameters.inputVolume = addImage("second")
    assert logic.imageKind is None
    logic.chosenKind = "colonoscopy"
    addResults(a_knowing_panel, ("glioma",), verdicts=(Verdict("found", "Found."),), kind=BRAIN)
    assert logic.imageKind == BRAIN
    ui.buildPromptButton.checked = True
    pythonqt.processEvents(50)
    assert ui.builderKindComboBox.currentText == BRAIN
    assert "hippocampus" in entries(ui.builderThingComboBox)
    assert "polyp" not in entries(ui.builderThingComboBox)


def test_completion_has_the_models_words_before_earlier_prompts(a_knowing_panel: Any, runs: list[list[str]]) -> None:
    line = a_knowing_panel.ui.promptLineEdit
    for prompt in ("a polyp of mine", "liver"):
        typeInto(line, prompt)
        key(line, Qt.Key.Key_Return)
    typeInto(line, "pol")
    completer = pythonqt.unwrap(line).completer()
    known = list(complete("pol", KNOWLEDGE, None))
    assert "polyp" in known
    shown = []
    for row in range(completer.completionCount()):
        completer.setCurrentRow(row)
        shown.append(completer.currentCompletion())
    assert shown == [*known, "a polyp of mine"]


def test_the_line_below_says_what_the_model_will_make_of_it(
    a_knowing_panel: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[str, str | None]] = []

    def lint(text: str, _knowledge: Any, kind: str | None) -> Remark | None:
        asked.append((text, kind))
        return Remark("The model does not know “kidney”.", ((0, 6),), "tumor") if text == "kidney" else None

    monkeypatch.setattr("MedCLIPSegLogic.knowledge.linter.lint", lint)
    ui = a_knowing_panel.ui
    a_knowing_panel.logic.chosenKind = ULTRASOUND
    typeInto(ui.promptLineEdit, "kidney")
    pythonqt.processEvents(250)
    assert ui.promptHintLabel.isVisibleTo(ui.promptsCollapsibleButton)
    assert ui.promptHintLabel.text == "The model does not know “kidney”. Try “tumor”."
    assert asked[-1] == ("kidney", ULTRASOUND)
    ui.promptLineEdit.text = "tumor"
    pythonqt.processEvents(250)
    assert not ui.promptHintLabel.isVisibleTo(ui.promptsCollapsibleButton)
    (tmp_path / "silent").mkdir()
    choose(a_knowing_panel, tmp_path / "silent")
    ui.promptLineEdit.text = "kidney"
    pythonqt.processEvents(250)
    assert not ui.promptHintLabel.isVisibleTo(ui.promptsCollapsibleButton)
