"""The prompt table: every control, on the real panel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import qt
from prompt_keys import doubleClick, edit, key, openEditor, texts
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QColorDialog, QHeaderView
from review_samples import Reviewed, addResults, paint

from MedCLIPSegLib import application
from MedCLIPSegLib.prompts import prompt_lists
from MedCLIPSegLib.prompts.prompt_rows import PromptRows
from MedCLIPSegLib.prompts.prompt_table import EYE, NAME, PROMPT, STATE, THRESHOLD

PROMPTS = ("liver", "spleen", "kidney")


@pytest.fixture
def a_table(a_module_widget: Any) -> Any:
    """The panel with three rows that were never run; the first one is selected."""
    a_module_widget.logic.rows.add(PROMPTS)
    a_module_widget.logic.parameters.currentRow = 0
    pythonqt.processEvents(30)
    return a_module_widget


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


@pytest.fixture
def said(a_module_widget: Any) -> list[str]:
    lines: list[str] = []
    a_module_widget.logic.said.connect(lines.append)
    return lines


def prompts(widget: Any) -> list[str]:
    """What the logic has, which must be what the scene has and what the table shows."""
    pythonqt.processEvents(30)
    found = [row.prompt for row in widget.logic.rows]
    assert [row.prompt for row in PromptRows.parse(widget.logic.parameters.promptTable)] == found
    assert texts(widget.ui.promptTable, PROMPT) == found
    return found


def setRunning(widget: Any, monkeypatch: pytest.MonkeyPatch, isRunning: bool) -> None:
    monkeypatch.setattr(type(widget.logic), "isRunning", isRunning)
    widget.logic.changed()
    pythonqt.processEvents(30)


def test_a_row_shows_everything(a_table: Any) -> None:
    table = a_table.ui.promptTable
    assert texts(table, PROMPT) == list(PROMPTS)
    assert texts(table, NAME) == [""] * 3  # no text twice in a row
    assert texts(table, STATE) == ["new"] * 3
    assert texts(table, THRESHOLD) == ["0.50"] * 3
    assert table.item(0, STATE).toolTip() == "Not segmented yet"
    color = pythonqt.unwrap(table).item(1, EYE).data(Qt.ItemDataRole.DecorationRole)
    assert color.getRgbF()[:3] == pytest.approx(a_table.logic.rows[1].color, abs=0.01)


def test_states_are_words(a_table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table, states = a_table.ui.promptTable, ["new", "queued", "running", "done", "empty", "edited", "failed"]
    shown, explained = [], []
    for state in states:
        monkeypatch.setattr(a_table.logic, "stateOf", lambda row, state=state: state)
        a_table.panel.refresh()
        shown.append(table.item(0, STATE).text())
        explained.append(table.item(0, STATE).toolTip())
    assert shown == states
    assert len(set(explained)) == len(states)


def test_buttons_add_remove_duplicate_and_order(a_table: Any) -> None:
    ui, parameters = a_table.ui, a_table.logic.parameters
    ui.duplicatePromptButton.click()
    assert prompts(a_table) == ["liver", "liver", "spleen", "kidney"]
    assert parameters.currentRow == 1
    ui.removePromptButton.click()
    assert prompts(a_table) == ["liver", "spleen", "kidney"]
    assert (parameters.currentRow, ui.promptTable.currentRow()) == (1, 1)
    ui.movePromptUpButton.click()
    assert prompts(a_table) == ["spleen", "liver", "kidney"]
    assert (parameters.currentRow, ui.promptTable.currentRow()) == (0, 0)
    assert not ui.movePromptUpButton.enabled
    ui.movePromptDownButton.click()
    pythonqt.processEvents(30)
    ui.movePromptDownButton.click()
    assert prompts(a_table) == ["liver", "kidney", "spleen"]
    assert not ui.movePromptDownButton.enabled
    for _time in range(3):
        ui.removePromptButton.click()
        pythonqt.processEvents(30)
    assert prompts(a_table) == []
    assert parameters.currentRow == -1
    assert not any(button.enabled for button in (ui.removePromptButton, ui.duplicatePromptButton, ui.savePromptsButton))


def test_add_opens_an_editor_for_the_new_prompt(a_table: Any) -> None:
    table = a_table.ui.promptTable
    key(table, Qt.Key.Key_Down)
    a_table.ui.addPromptButton.click()
    editor = openEditor(table)
    assert editor is not None
    QTest.keyClicks(editor, "tumor")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert prompts(a_table) == [*PROMPTS, "tumor"]
    assert a_table.logic.parameters.currentRow == 3


def test_a_row_left_empty_is_used_again(a_table: Any) -> None:
    for _time in range(2):
        a_table.ui.addPromptButton.click()
        pythonqt.processEvents(30)
    assert prompts(a_table) == [*PROMPTS, ""]


@pytest.fixture
def a_wide_panel(a_module_widget: Any) -> Iterator[None]:
    """Room for names in the table."""
    table = pythonqt.unwrap(a_module_widget.ui.promptTable)
    table.setMinimumWidth(400)
    pythonqt.processEvents(30)
    yield
    table.setMinimumWidth(0)


@pytest.mark.usefixtures("a_wide_panel")
def test_cells_are_edited(a_table: Any) -> None:
    table = a_table.ui.promptTable
    edit(table, 1, NAME, "Milz |é")
    edit(table, 1, PROMPT, 'the "spleen"')
    edit(table, 1, THRESHOLD, "0,35")
    row = a_table.logic.rows[1]
    assert (row.name, row.prompt, row.threshold) == ("Milz |é", 'the "spleen"', 0.35)
    assert [texts(table, column)[1] for column in (NAME, PROMPT, THRESHOLD)] == ["Milz |é", 'the "spleen"', "0.35"]


def test_a_name_taken_back_is_the_prompt_again(a_table: Any) -> None:
    edit(a_table.ui.promptTable, 0, NAME, "L")
    edit(a_table.ui.promptTable, 0, NAME, " ")
    assert a_table.logic.rows[0].name == ""
    assert texts(a_table.ui.promptTable, NAME)[0] == ""


def test_a_bad_threshold_is_refused(a_table: Any, said: list[str]) -> None:
    for text in ["1", "0", "-0.5", "half", "nan"]:
        edit(a_table.ui.promptTable, 0, THRESHOLD, text)
        assert a_table.logic.rows[0].threshold == 0.5
        assert texts(a_table.ui.promptTable, THRESHOLD)[0] == "0.50"
        assert said.pop() == f"“{text}” is not a threshold; type a number between 0 and 1."
        assert said == []


def test_state_is_not_edited(a_table: Any) -> None:
    doubleClick(a_table.ui.promptTable, 0, STATE)
    assert openEditor(a_table.ui.promptTable) is None


@pytest.mark.usefixtures("a_wide_panel")
def test_name_and_color_of_a_segment_follow(a_review: Reviewed) -> None:
    table = a_review.widget.ui.promptTable
    edit(table, 0, NAME, "Leber")
    segments = a_review.segmentation.GetSegmentation()
    assert segments.GetSegment(a_review.segmentIds[0]).GetName() == "Leber"
    chooseColor(QColor.fromRgbF(0.2, 0.4, 1.0), accept=True)
    doubleClick(table, 0, EYE)
    assert segments.GetSegment(a_review.segmentIds[0]).GetColor() == pytest.approx((0.2, 0.4, 1.0), abs=0.01)
    assert a_review.widget.logic.rows[0].color == pytest.approx((0.2, 0.4, 1.0), abs=0.01)
    assert segments.GetSegment(a_review.segmentIds[1]).GetName() == "spleen"
    assert a_review.state() == "done"


def test_a_color_that_is_not_confirmed_changes_nothing(a_review: Reviewed) -> None:
    before = a_review.widget.logic.rows[0].color
    chooseColor(QColor.fromRgbF(0.2, 0.4, 1.0), accept=False)
    doubleClick(a_review.widget.ui.promptTable, 0, EYE)
    assert a_review.widget.logic.rows[0].color == before
    assert a_review.segmentation.GetDisplayNode().GetSegmentVisibility(a_review.segmentIds[0])


def chooseColor(color: QColor, accept: bool) -> None:
    """Answer the question for a color once it is asked."""

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QColorDialog)
        dialog.setCurrentColor(color)
        dialog.accept() if accept else dialog.reject()

    QTimer.singleShot(150, answer)


def test_another_prompt_makes_the_row_new_and_keeps_the_segment(a_review: Reviewed) -> None:
    table, mask = a_review.widget.ui.promptTable, a_review.mask()
    assert texts(table, STATE) == ["done", "done"]
    edit(table, 0, PROMPT, "liver cyst")
    assert texts(table, STATE) == ["new", "done"]
    np.testing.assert_array_equal(a_review.mask(), mask)
    edit(table, 0, PROMPT, "liver")
    assert texts(table, STATE) == ["done", "done"]


def test_a_threshold_moves_the_boundary_of_the_segment(a_review: Reviewed) -> None:
    before = int(a_review.mask().sum())
    edit(a_review.widget.ui.promptTable, 0, THRESHOLD, "0.75")
    assert 0 < int(a_review.mask().sum()) < before
    assert a_review.widget.logic.rows[0].threshold == 0.75
    assert a_review.state() == "done"


def test_the_threshold_of_an_edited_segment_stays(a_review: Reviewed, said: list[str]) -> None:
    paint(a_review)
    mask = a_review.mask()
    edit(a_review.widget.ui.promptTable, 0, THRESHOLD, "0.75")
    np.testing.assert_array_equal(a_review.mask(), mask)
    assert a_review.widget.logic.rows[0].threshold == 0.5
    assert any("edited by hand" in line for line in said)


def test_selection_and_parameter_node_follow_each_other(a_table: Any) -> None:
    table, parameters = a_table.ui.promptTable, a_table.logic.parameters
    key(table, Qt.Key.Key_Down)
    assert parameters.currentRow == 1
    parameters.currentRow = 2
    pythonqt.processEvents(30)
    assert table.currentRow() == 2
    assert [index.row() for index in pythonqt.unwrap(table).selectionModel().selectedRows()] == [2]
    parameters.currentRow = -1
    pythonqt.processEvents(30)
    assert not pythonqt.unwrap(table).selectionModel().hasSelection()


def test_enter_runs_the_row_alone(a_table: Any, runs: list[list[str]]) -> None:
    for which in [Qt.Key.Key_Return, Qt.Key.Key_Enter]:
        a_table.logic.parameters.currentRow = 1
        pythonqt.processEvents(30)
        key(a_table.ui.promptTable, which)
        assert runs.pop() == ["spleen"]
        assert runs == []


def test_enter_in_an_editor_runs_nothing(a_table: Any, runs: list[list[str]]) -> None:
    edit(a_table.ui.promptTable, 1, PROMPT, "tumor")
    assert runs == []
    assert prompts(a_table) == ["liver", "tumor", "kidney"]


def test_refreshing_leaves_an_editor_alone(a_table: Any) -> None:
    table = a_table.ui.promptTable
    doubleClick(table, 1, PROMPT)
    editor = openEditor(table)
    assert editor is not None
    editor.setText("half typ")
    a_table.logic.rows.update(a_table.logic.rows[1].rowId, segmentId="S", prompt="other")
    a_table.logic.rows.update(a_table.logic.rows[0].rowId, threshold=0.3)
    pythonqt.processEvents(50)
    assert openEditor(table) is editor
    assert editor.text() == "half typ"
    assert texts(table, THRESHOLD)[0] == "0.30"
    assert table.currentRow() == 1


def test_a_button_takes_over_what_is_being_typed(a_table: Any) -> None:
    table = a_table.ui.promptTable
    doubleClick(table, 0, PROMPT)
    editor = openEditor(table)
    assert editor is not None
    editor.setText("left liver")
    a_table.ui.movePromptDownButton.click()
    assert prompts(a_table) == ["spleen", "left liver", "kidney"]


def test_rows_that_change_places_close_an_editor(a_table: Any) -> None:
    doubleClick(a_table.ui.promptTable, 2, PROMPT)
    editor = openEditor(a_table.ui.promptTable)
    assert editor is not None
    editor.setText("wrong place")
    a_table.logic.rows.remove(0)
    assert "liver" not in prompts(a_table)
    assert openEditor(a_table.ui.promptTable) is None
    assert prompts(a_table)[0] == "spleen"


def test_during_a_run_rows_stay_as_they_are(a_table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ui, table = a_table.ui, a_table.ui.promptTable
    names = ("addPrompt", "removePrompt", "duplicatePrompt", "movePromptDown", "pastePrompts", "loadPrompts")
    setRunning(a_table, monkeypatch, True)
    assert [getattr(ui, f"{name}Button").enabled for name in names] == [False] * 6
    assert ui.savePromptsButton.enabled
    doubleClick(table, 0, PROMPT)
    assert openEditor(table) is None
    setRunning(a_table, monkeypatch, False)
    assert [getattr(ui, f"{name}Button").enabled for name in names] == [True] * 6
    doubleClick(table, 0, PROMPT)
    assert openEditor(table) is not None


def test_twelve_rows_fit_into_a_narrow_panel(a_module_widget: Any) -> None:
    logic, table = a_module_widget.logic, a_module_widget.ui.promptTable
    logic.rows.add([f"prompt number {number} with a long text" for number in range(12)])
    plain = pythonqt.unwrap(table)
    plain.window().show()
    plain.setFixedWidth(280)
    pythonqt.processEvents(50)
    assert table.rowCount == 12
    assert plain.horizontalHeader().sectionResizeMode(PROMPT) == QHeaderView.ResizeMode.Stretch
    assert plain.horizontalScrollBar().maximum() == 0
    assert plain.columnWidth(PROMPT) >= 70
    plain.setMinimumWidth(0)
    plain.setMaximumWidth(16_777_215)


def test_odd_prompts_come_back_with_the_scene(a_module_widget: Any) -> None:
    odd = ["a|b", "say \"it\" 'now'", "左肾 é 😀", "x" * 500, "<b>bold</b>", "%d {name}"]
    a_module_widget.logic.rows.add(odd)
    saved = a_module_widget.logic.parameters.promptTable
    a_module_widget.logic.rows.replaceAll([])
    assert prompts(a_module_widget) == []
    a_module_widget.logic.parameters.promptTable = saved
    assert prompts(a_module_widget) == odd


def test_closing_the_scene_empties_the_table(a_slicer: ModuleType, a_table: Any) -> None:
    a_slicer.mrmlScene.Clear(0)
    assert prompts(a_table) == []


def test_lines_are_pasted_once_each(a_table: Any, said: list[str]) -> None:
    qt.QApplication.clipboard().setText("  tumor\r\n\nliver\ncyst, left\n")
    a_table.ui.pastePromptsButton.click()
    assert prompts(a_table) == [*PROMPTS, "tumor", "cyst, left"]
    assert a_table.logic.parameters.currentRow == 3
    assert said == ["2 prompts added; 1 are in the table already."]
    qt.QApplication.clipboard().setText(" \n")
    a_table.ui.pastePromptsButton.click()
    assert len(a_table.logic.rows) == 5
    assert "clipboard" in said[-1]


def test_a_list_is_saved_and_loaded(
    a_table: Any, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list é.csv"
    path.write_text("earlier", encoding="utf-8")
    a_table.logic.rows.update(a_table.logic.rows[0].rowId, name="L", color=(0.2, 0.4, 1.0), threshold=0.25)
    monkeypatch.setattr(prompt_lists, "askSaveFile", lambda *_question: str(path))
    a_table.ui.savePromptsButton.click()
    assert said == [f"The prompts were saved to {path}."]
    a_table.logic.rows.replaceAll([])
    a_table.logic.rows.add(["spleen"])
    monkeypatch.setattr(prompt_lists, "askOpenFile", lambda *_question: str(path))
    a_table.ui.loadPromptsButton.click()
    assert prompts(a_table) == ["spleen", "liver", "kidney"]
    row = a_table.logic.rows[1]
    assert (row.name, row.color, row.threshold) == ("L", (0.2, 0.4, 1.0), 0.25)
    assert a_table.logic.currentRow == row


def test_a_bad_list_changes_nothing(
    a_table: Any, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("prompt,threshold\ntumor,7\n", encoding="utf-8")
    for answer in ("", str(path)):
        monkeypatch.setattr(prompt_lists, "askOpenFile", lambda *_question, answer=answer: answer)
        a_table.ui.loadPromptsButton.click()
    monkeypatch.setattr(prompt_lists, "askSaveFile", lambda *_question: "")
    a_table.ui.savePromptsButton.click()
    assert prompts(a_table) == list(PROMPTS)
    assert said == [f"Line 2 of the prompt list {path} has the threshold “7”; write a number between 0 and 1."]


def test_an_ending_that_was_left_out_does_not_overwrite(
    a_slicer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.csv").write_text("precious")
    answers = {"": "", "new": "new.csv", "other.CSV": "other.CSV", "list": ""}
    for typed, expected in answers.items():
        chosen = str(tmp_path / typed) if typed else ""
        monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_question, chosen=chosen: chosen, raising=False)
        monkeypatch.setattr(a_slicer.util, "confirmOkCancelDisplay", lambda _question: False)
        assert application.askSaveFile("Save", "*.csv", ".csv") == (str(tmp_path / expected) if expected else "")
    monkeypatch.setattr(a_slicer.util, "confirmOkCancelDisplay", lambda _question: True)
    assert application.askSaveFile("Save", "*.csv", ".csv") == str(tmp_path / "list.csv")
