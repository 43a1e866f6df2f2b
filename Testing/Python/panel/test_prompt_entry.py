"""The prompt line and the keys that run prompts, on the real panel."""

from __future__ import annotations

from typing import Any

import pytest
import pythonqt
import qt
import slicer
from prompt_keys import CONTROL, key, typeInto
from PySide6.QtCore import Qt

from MedCLIPSegLib.prompts.prompt_entry import PromptHistory


@pytest.fixture
def a_line(a_module_widget: Any, runs: list[list[str]]) -> Any:
    return a_module_widget.ui.promptLineEdit


def prompts(widget: Any) -> list[str]:
    return [row.prompt for row in widget.logic.rows]


@pytest.mark.parametrize("which", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_adds_the_prompt_and_runs_it(
    a_module_widget: Any, a_line: Any, runs: list[list[str]], which: Qt.Key
) -> None:
    a_module_widget.logic.rows.add(["spleen"])
    typeInto(a_line, " liver ")
    key(a_line, which)
    assert prompts(a_module_widget) == ["spleen", "liver"]
    assert runs == [["liver"]]
    assert a_line.text == ""
    assert a_module_widget.logic.parameters.currentRow == 1


def test_a_prompt_that_has_a_row_uses_it_again(a_module_widget: Any, a_line: Any, runs: list[list[str]]) -> None:
    a_module_widget.logic.rows.add(["liver", "spleen"])
    typeInto(a_line, "liver")
    key(a_line, Qt.Key.Key_Return)
    assert prompts(a_module_widget) == ["liver", "spleen"]
    assert runs == [["liver"]]
    assert a_module_widget.logic.parameters.currentRow == 0


def test_an_empty_line_runs_nothing(a_module_widget: Any, a_line: Any, runs: list[list[str]]) -> None:
    a_module_widget.logic.rows.add(["spleen"])
    for text in ("", "  "):
        typeInto(a_line, text)
        key(a_line, Qt.Key.Key_Return)
    assert runs == []
    assert prompts(a_module_widget) == ["spleen"]


def test_odd_prompts_are_prompts(a_module_widget: Any, a_line: Any, runs: list[list[str]]) -> None:
    for prompt in ["a|b", "say \"it\" 'now'", "左肾 é 😀", "x" * 500, "<b>bold</b>"]:
        a_line.text = prompt
        key(a_line, Qt.Key.Key_Return)
        assert runs.pop() == [prompt]
        assert runs == []


def test_pasted_lines_become_rows_at_once(a_module_widget: Any, a_line: Any, runs: list[list[str]]) -> None:
    qt.QApplication.clipboard().setText("liver\r\n\n  left kidney\nliver\n")
    key(a_line, Qt.Key.Key_V, CONTROL)
    assert prompts(a_module_widget) == ["liver", "left kidney"]
    assert a_line.text == ""
    assert runs == []


def test_one_pasted_line_stays_in_the_line(a_module_widget: Any, a_line: Any, runs: list[list[str]]) -> None:
    qt.QApplication.clipboard().setText("liver\n")
    key(a_line, Qt.Key.Key_V, CONTROL)
    assert a_line.text == "liver"
    key(a_line, Qt.Key.Key_Return)
    assert runs == [["liver"]]


def test_control_enter_runs_all_rows_once(a_module_widget: Any, runs: list[list[str]]) -> None:
    a_module_widget.ui.modelCollapsibleButton.collapsed = False
    a_module_widget.logic.rows.add(["liver", "", "spleen"])
    for focus in ("promptLineEdit", "promptTable", "sampleCountSpinBox"):
        for which in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            key(getattr(a_module_widget.ui, focus), which, CONTROL)
            assert runs.pop() == ["liver", "spleen"]
            assert runs == []


def test_control_enter_takes_what_was_typed_along(a_module_widget: Any, a_line: Any, runs: list[list[str]]) -> None:
    a_module_widget.logic.rows.add(["spleen"])
    typeInto(a_line, "liver")
    key(a_line, Qt.Key.Key_Return, CONTROL)
    assert runs == [["spleen", "liver"]]
    assert a_line.text == ""


def test_during_a_run_what_was_typed_stays(
    a_module_widget: Any, a_line: Any, runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(a_module_widget.logic), "isRunning", True)
    typeInto(a_line, "liver")
    key(a_line, Qt.Key.Key_Return)
    assert a_line.text == "liver"
    assert prompts(a_module_widget) == []
    assert runs == [[]], "the logic is asked, so that it says why nothing happens"


def test_earlier_prompts_are_offered_wherever_the_text_lies(a_module_widget: Any, a_line: Any) -> None:
    for prompt in ("Left ureter", "liver"):
        typeInto(a_line, prompt)
        key(a_line, Qt.Key.Key_Return)
    assert PromptHistory(slicer.app.settings()).entries() == ["liver", "Left ureter"]
    typeInto(a_line, "URE")
    completer = pythonqt.unwrap(a_line).completer()
    assert completer.completionCount() == 1
    assert completer.currentCompletion() == "Left ureter"
    assert completer.popup().isVisible()


def test_enter_on_a_completion_runs_it_and_empties_the_line(
    a_module_widget: Any, a_line: Any, runs: list[list[str]]
) -> None:
    typeInto(a_line, "left ureter")
    key(a_line, Qt.Key.Key_Return)
    typeInto(a_line, "ure")
    popup = pythonqt.unwrap(a_line).completer().popup()
    key(popup, Qt.Key.Key_Down)
    assert a_line.text == "left ureter"
    key(popup, Qt.Key.Key_Return)
    assert runs == [["left ureter"], ["left ureter"]]
    assert a_line.text == ""
    assert prompts(a_module_widget) == ["left ureter"]


def test_the_history_outlives_the_panel(a_slicer: Any, a_module_widget: Any, a_line: Any) -> None:
    typeInto(a_line, "liver")
    key(a_line, Qt.Key.Key_Return)
    a_module_widget.onReload()
    reloaded = a_slicer.util.getModuleWidget("MedCLIPSeg")
    completer = pythonqt.unwrap(reloaded.ui.promptLineEdit).completer()
    assert completer.model().stringList() == ["liver"]


def test_without_an_image_enter_says_what_is_missing(a_module_widget: Any) -> None:
    said: list[str] = []
    a_module_widget.logic.said.connect(said.append)
    a_module_widget.logic.ensureDependencies = lambda: None
    typeInto(a_module_widget.ui.promptLineEdit, "liver")
    key(a_module_widget.ui.promptLineEdit, Qt.Key.Key_Return)
    assert prompts(a_module_widget) == ["liver"]
    assert any("no image yet" in line for line in said)
