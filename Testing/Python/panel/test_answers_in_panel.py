"""Verdicts on answers in the panel: word, sentence, suggestions, and the way to what was held back."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
from prompt_keys import key, texts
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from review_samples import addResults, paint, writeResults
from slicerhost.fixtures import Pump

from MedCLIPSegLogic.knowledge.verdict import Verdict

FOUND = Verdict("found", "One tumor was found.")
ABSENT = Verdict("absent", "The model knows polyps and sees none.")
UNKNOWN = Verdict(
    "not-understood", "The model does not know “cancer”.", ("tumor", "mass", "one small tumor on the left")
)
FOREIGN = Verdict("foreign-image", "This looks like a chest X-ray, which the model does not know.")
DOUBTFUL = Verdict("doubtful", "The place “on the left” costs most of the mask.", ("one small tumor",))
STATE = 3


def chips(widget: Any) -> list[str]:
    buttons = [getattr(widget.ui, f"suggestionButton{number}") for number in range(1, 5)]
    return [button.text for button in buttons if button.isVisibleTo(widget.ui.verdictFrame)]


def test_every_row_says_its_verdict_and_the_selected_one_its_sentence(a_module_widget: Any) -> None:
    ui, logic = a_module_widget.ui, a_module_widget.logic
    verdicts = {"tumor": FOUND, "polyp": ABSENT, "cancer": UNKNOWN, "lung": FOREIGN, "tumor on the left": DOUBTFUL}
    addResults(a_module_widget, tuple(verdicts), verdicts=tuple(verdicts.values()))
    assert texts(ui.promptTable, STATE) == ["found", "not there", "unclear", "foreign", "doubtful"]
    for row, verdict in zip(logic.rows, verdicts.values(), strict=True):
        logic.select(row)
        pythonqt.processEvents(30)
        assert ui.verdictFrame.isVisibleTo(ui.promptsCollapsibleButton)
        assert ui.verdictLabel.text.endswith(verdict.text)
        assert verdict.text in ui.promptTable.item(logic.rows.indexOf(row.rowId), STATE).toolTip()
        assert chips(a_module_widget) == list(verdict.suggestions)
        assert ui.showAnywayButton.isVisibleTo(ui.verdictFrame) == verdict.is_unknown
        assert logic.mapOf(row, "Uncertainty") is None if verdict.is_unknown else True


def test_without_a_verdict_there_is_no_line(a_module_widget: Any) -> None:
    review = addResults(a_module_widget)
    ui = a_module_widget.ui
    assert texts(ui.promptTable, STATE) == ["done", "done"]
    assert not ui.verdictFrame.isVisibleTo(ui.promptsCollapsibleButton)
    review.widget.logic.select(None)
    pythonqt.processEvents(30)
    assert not ui.verdictFrame.isVisibleTo(ui.promptsCollapsibleButton)


def test_a_segment_edited_by_hand_is_no_longer_the_models(a_module_widget: Any, pump: Pump) -> None:
    review = addResults(a_module_widget, ("tumor",), verdicts=(DOUBTFUL,))
    paint(review)
    pump(lambda: texts(a_module_widget.ui.promptTable, STATE) == ["edited"], 5)
    assert not a_module_widget.ui.verdictFrame.isVisibleTo(a_module_widget.ui.promptsCollapsibleButton)


@pytest.mark.parametrize("which", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_tab_and_enter_ask_a_suggestion(a_module_widget: Any, runs: list[list[str]], which: Qt.Key) -> None:
    review = addResults(a_module_widget, ("cancer",), verdicts=(UNKNOWN,))
    ui, logic = a_module_widget.ui, a_module_widget.logic
    key(ui.promptLineEdit, Qt.Key.Key_Tab)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.objectName() == "suggestionButton1"
    key(focused, which)
    assert runs == [["tumor"]]
    assert [row.prompt for row in logic.rows] == ["tumor"]
    # Nothing is left of the question that was not understood.
    assert review.segmentation.GetSegmentation().GetNumberOfSegments() == 0


def test_a_suggestion_takes_the_maps_of_the_doubtful_answer_away_but_no_edited_segment(
    a_module_widget: Any, runs: list[list[str]], pump: Pump
) -> None:
    review = addResults(a_module_widget, ("tumor on the left", "tumor on the right"), verdicts=(DOUBTFUL, DOUBTFUL))
    ui, logic = a_module_widget.ui, a_module_widget.logic
    first, second = logic.rows
    paint(review, 1)
    pump(lambda: logic.stateOf(second) == "edited", 5)
    ui.suggestionButton1.click()
    pythonqt.processEvents(30)
    assert runs == [["one small tumor"]]
    assert logic.mapOf(first, "Probability") is None
    assert review.segmentation.GetSegmentation().GetSegmentIDs() == (review.segmentIds[1],)
    assert logic.mapOf(second, "Probability") is not None


def test_a_suggestion_that_has_a_row_is_asked_there(a_module_widget: Any, runs: list[list[str]]) -> None:
    addResults(a_module_widget, ("cancer", "mass"), verdicts=(UNKNOWN, FOUND))
    a_module_widget.ui.suggestionButton2.click()
    pythonqt.processEvents(30)
    assert runs == [["mass"]]
    assert [row.prompt for row in a_module_widget.logic.rows] == ["cancer", "mass"]
    assert a_module_widget.logic.parameters.currentRow == 1


def test_show_anyway_asks_again_in_so_many_words(a_module_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    addResults(a_module_widget, ("cancer",), verdicts=(UNKNOWN,))
    asked: list[Any] = []
    monkeypatch.setattr(a_module_widget.logic.runControl, "start", asked.append)
    a_module_widget.logic.ensureDependencies = lambda: None
    a_module_widget.logic.parameters.model = "mini"
    a_module_widget.ui.showAnywayButton.click()
    assert [order.prepared.request.show_anyway for order in asked] == [True]
    a_module_widget.logic.run([row.rowId for row in a_module_widget.logic.rows])
    assert [order.prepared.request.show_anyway for order in asked] == [True, False]


def test_own_words_are_asked_only_when_allowed_and_the_choice_is_kept(
    a_slicer: ModuleType, a_module_widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    addResults(a_module_widget, ("cancer",), verdicts=(UNKNOWN,))
    asked: list[Any] = []
    logic = a_module_widget.logic
    logic.ensureDependencies = lambda: None
    monkeypatch.setattr(logic.runControl, "start", asked.append)
    for isAllowed in (False, True):
        a_module_widget.ui.ownWordsCheckBox.checked = isAllowed
        logic.run([row.rowId for row in logic.rows])
        assert asked.pop().prepared.request.own_words is isAllowed
    a_module_widget.onReload()
    assert a_slicer.util.getModuleWidget("MedCLIPSeg").ui.ownWordsCheckBox.checked


def test_verdicts_come_back_with_the_scene(a_slicer: ModuleType, a_module_widget: Any, tmp_path: Path) -> None:
    addResults(a_module_widget, ("cancer", "polyp"), verdicts=(UNKNOWN, ABSENT))
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(50)
    ui = a_module_widget.ui
    assert not ui.verdictFrame.isVisibleTo(ui.promptsCollapsibleButton)
    a_slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    pythonqt.processEvents(100)
    assert texts(ui.promptTable, STATE) == ["unclear", "not there"]
    assert ui.verdictLabel.text.endswith(UNKNOWN.text)
    assert chips(a_module_widget) == list(UNKNOWN.suggestions)


def test_long_and_odd_suggestions_do_not_widen_the_panel(a_module_widget: Any) -> None:
    odd = Verdict("not-understood", "<b>" + "word " * 60, ("x" * 300, "a & b", "<i>tumor</i>", "one", "five"))
    addResults(a_module_widget, ("cancer",), verdicts=(odd,))
    assert a_module_widget.parent.minimumSizeHint.width() <= 300 - 18
    shown = chips(a_module_widget)
    assert len(shown) == 4
    assert shown[1] == "a && b"
    assert a_module_widget.ui.suggestionButton1.toolTip.count("x") == 300


def test_unknown_is_no_number(a_module_widget: Any, pump: Pump) -> None:
    addResults(a_module_widget, ("cancer", "tumor"), verdicts=(UNKNOWN, FOUND))
    table = a_module_widget.ui.statisticsTable
    a_module_widget.ui.reviewCollapsibleButton.collapsed = False
    pump(lambda: table.rowCount == 2 and table.item(1, 3).text() not in ("", "…"), 5)
    assert table.item(0, 3).text() == "–"
    assert float(table.item(1, 3).text()) > 0


def test_a_later_run_without_a_verdict_takes_the_line_away(a_module_widget: Any) -> None:
    review = addResults(a_module_widget, ("tumor",), verdicts=(DOUBTFUL,))
    writeResults(review.volumeNode, ("tumor",))
    a_module_widget.logic.changed()
    pythonqt.processEvents(30)
    assert texts(a_module_widget.ui.promptTable, STATE) == ["done"]
