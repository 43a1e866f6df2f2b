"""What the model knows, in sight: in the empty panel and in the Model section."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
from known_model import KNOWLEDGE, choose, knowingModel
from prompt_keys import key
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind
from MedCLIPSegLogic.model.folder import save_knowledge

THINGS = [
    "tumor (0.80)\nbreast ultrasound",
    "tumor (0.79)\nbrain MRI",
    "hippocampus\nbrain MRI",
    "polyp (0.85)\ncolonoscopy",
]


@pytest.fixture
def a_knowing_panel(a_module_widget: Any, tmp_path: Path) -> Any:
    choose(a_module_widget, knowingModel(tmp_path / "model"))
    return a_module_widget


def listed(table: Any) -> list[str]:
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def samples(table: Any) -> list[bool]:
    return [table.cellWidget(row, 1) is not None for row in range(table.rowCount)]


def test_the_empty_panel_shows_what_there_is_to_ask_in_place_of_the_table(a_knowing_panel: Any) -> None:
    ui, prompts = a_knowing_panel.ui, a_knowing_panel.ui.promptsCollapsibleButton
    assert listed(ui.knownThingsTable) == THINGS
    assert samples(ui.knownThingsTable) == [True, True, True, True]
    icon = pythonqt.unwrap(ui.knownThingsTable).item(3, 0).icon().pixmap(36, 36).toImage()
    assert icon.pixelColor(18, 18).red() > 250 > 10 > icon.pixelColor(18, 18).blue()
    assert ui.knownThingsTable.isVisibleTo(prompts)
    assert not ui.promptTable.isVisibleTo(prompts)
    assert a_knowing_panel.parent.minimumSizeHint.width() <= 300 - 18
    a_knowing_panel.logic.rows.add(["liver"])
    pythonqt.processEvents(50)
    assert ui.promptTable.isVisibleTo(prompts)
    assert not ui.knownThingsTable.isVisibleTo(prompts)
    a_knowing_panel.logic.rows.remove(0)
    pythonqt.processEvents(50)
    assert ui.knownThingsTable.isVisibleTo(prompts)


def test_plus_opens_an_editor_in_the_empty_panel(a_knowing_panel: Any) -> None:
    ui = a_knowing_panel.ui
    key(ui.addPromptButton, Qt.Key.Key_Space)
    assert ui.promptTable.isVisibleTo(ui.promptsCollapsibleButton)
    assert QApplication.focusWidget().inherits("QLineEdit")


@pytest.mark.parametrize("inModelSection", [False, True])
def test_a_click_or_enter_on_a_thing_is_a_prompt(
    a_knowing_panel: Any, runs: list[list[str]], inModelSection: bool
) -> None:
    ui = a_knowing_panel.ui
    table = ui.modelKnowledgeTable if inModelSection else ui.knownThingsTable
    if inModelSection:
        ui.modelCollapsibleButton.collapsed = False
        ui.promptsCollapsibleButton.collapsed = True
        pythonqt.processEvents(50)
    table.cellClicked(3, 0)
    assert ui.promptLineEdit.text == "polyp"
    assert a_knowing_panel.logic.imageKind == "colonoscopy"
    assert not ui.promptsCollapsibleButton.collapsed
    assert runs == []
    table.setCurrentCell(2, 0)
    key(table, Qt.Key.Key_Return)
    assert ui.promptLineEdit.text == "hippocampus"
    assert QApplication.focusWidget() is pythonqt.unwrap(ui.promptLineEdit)
    key(ui.promptLineEdit, Qt.Key.Key_Return)
    assert runs == [["hippocampus"]]


def test_a_click_on_a_sample_loads_it_once_with_its_prompt(a_slicer: ModuleType, a_knowing_panel: Any) -> None:
    ui, logic = a_knowing_panel.ui, a_knowing_panel.logic
    for _time in range(2):
        ui.knownThingsTable.cellWidget(2, 1).click()
        pythonqt.processEvents(100)
    assert logic.volumeNode.GetName() == "Hippocampus MRI"
    assert logic.parameters.plane == "coronal"
    assert ui.promptLineEdit.text == "hippocampus in the T1-weighted brain MRI"
    assert a_slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    composite = a_slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == logic.volumeNode.GetID()


def test_the_model_section_lists_it_or_says_that_nobody_knows(a_knowing_panel: Any, tmp_path: Path) -> None:
    ui = a_knowing_panel.ui
    section = ui.modelCollapsibleButton
    section.collapsed = False
    pythonqt.processEvents(50)
    assert listed(ui.modelKnowledgeTable) == THINGS
    (tmp_path / "silent").mkdir()
    choose(a_knowing_panel, tmp_path / "silent")
    assert ui.modelKnowledgeLabel.text.startswith("Nobody recorded what it knows")
    for hidden in (ui.modelKnowledgeTable, ui.knownThingsTable, ui.buildPromptButton, ui.ownWordsCheckBox):
        assert not hidden.isVisibleTo(ui.MedCLIPSeg)
    assert ui.promptTable.isVisibleTo(ui.promptsCollapsibleButton)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "knowledge.json").write_text("[")
    choose(a_knowing_panel, tmp_path / "damaged")
    assert "damaged" in ui.modelKnowledgeLabel.text
    choose(a_knowing_panel, "medclip-sam")
    assert ui.modelKnowledgeLabel.text == ""


def test_another_model_and_a_changed_file_are_noticed(
    a_slicer: ModuleType, a_knowing_panel: Any, tmp_path: Path
) -> None:
    other = Knowledge(kinds={"colonoscopy": KnownKind(images=1, things=KNOWLEDGE.kinds["colonoscopy"].things)})
    choose(a_knowing_panel, knowingModel(tmp_path / "other", other))
    assert listed(a_knowing_panel.ui.knownThingsTable) == THINGS[-1:]
    save_knowledge(dataclasses.replace(KNOWLEDGE), tmp_path / "other")
    a_slicer.util.selectModule("Volumes")
    a_slicer.util.selectModule("MedCLIPSeg")
    pythonqt.processEvents(50)
    assert listed(a_knowing_panel.ui.knownThingsTable) == THINGS
