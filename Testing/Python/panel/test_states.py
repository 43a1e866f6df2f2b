"""Accept and reject, by keys and clicks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
from prompt_keys import key, typeInto
from PySide6.QtCore import Qt
from review_samples import Reviewed, addResults, paint, press, writeResults

from MedCLIPSegLogic.scene.segment_review import review_of

Pump = Callable[..., None]
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def a_review(a_module_widget: Any, pump: Pump) -> Reviewed:
    reviewed = addResults(a_module_widget)
    typeReviewer(a_module_widget, "Ann Ray")
    pump(lambda: "…" not in words(a_module_widget), 10)
    return reviewed


def typeReviewer(widget: Any, name: str) -> None:
    widget.ui.reviewerLineEdit.text = ""
    typeInto(widget.ui.reviewerLineEdit, name)
    key(widget.ui.reviewerLineEdit, Qt.Key.Key_Return)


def words(widget: Any) -> list[str]:
    """States in the table of segments."""
    table = widget.ui.statisticsTable
    return [table.item(row, 1).text() for row in range(table.rowCount)]


def judged(key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    press(key, modifier)
    pythonqt.processEvents(50)


def test_keys_judge_the_selected_segment_and_take_it_back(a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    assert words(a_review.widget) == ["open", "open"]
    judged(Qt.Key.Key_A)
    assert words(a_review.widget) == ["accepted", "open"]
    assert (ui.acceptButton.checked, ui.rejectButton.checked) == (True, False)
    assert ui.reviewStateLabel.text.startswith("Accepted by Ann Ray, 20")
    assert ui.statusLabel.text.startswith("liver: Accepted by Ann Ray")
    judged(Qt.Key.Key_X)
    assert words(a_review.widget) == ["rejected", "open"]
    assert (ui.acceptButton.checked, ui.rejectButton.checked) == (False, True)
    judged(Qt.Key.Key_X)
    assert words(a_review.widget) == ["open", "open"]
    assert (ui.acceptButton.checked, ui.rejectButton.checked) == (False, False)
    assert ui.reviewStateLabel.text == "Not reviewed."


def test_keys_with_shift_judge_the_case(a_review: Reviewed) -> None:
    judged(Qt.Key.Key_X)
    judged(Qt.Key.Key_A, SHIFT)
    assert words(a_review.widget) == ["accepted", "accepted"]
    judged(Qt.Key.Key_A, SHIFT)
    assert words(a_review.widget) == ["open", "open"]
    judged(Qt.Key.Key_X, SHIFT)
    assert words(a_review.widget) == ["rejected", "rejected"]


def test_clicks_do_the_same_and_follow_the_row(a_review: Reviewed) -> None:
    ui, logic = a_review.widget.ui, a_review.widget.logic
    ui.rejectButton.click()
    logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert not ui.rejectButton.checked
    ui.acceptButton.click()
    assert ui.acceptButton.checked
    pythonqt.processEvents(50)
    assert words(a_review.widget) == ["rejected", "accepted"]


def test_what_was_edited_is_accepted_after_edit_and_a_later_edit_opens_it_again(a_review: Reviewed) -> None:
    paint(a_review)
    judged(Qt.Key.Key_A)
    assert words(a_review.widget)[0] == "corrected"
    assert a_review.widget.ui.reviewStateLabel.text.startswith("Accepted after edit by Ann Ray")
    mask = a_review.mask()
    from MedCLIPSegLogic.scene.segmentation import set_segment_mask

    set_segment_mask(a_review.segmentation, a_review.segmentIds[0], 0 * mask, a_review.volumeNode)
    a_review.widget.logic.changed()
    pythonqt.processEvents(50)
    assert words(a_review.widget)[0] == "open"
    set_segment_mask(a_review.segmentation, a_review.segmentIds[0], mask, a_review.volumeNode)
    a_review.widget.logic.changed()
    pythonqt.processEvents(50)
    assert words(a_review.widget)[0] == "corrected"


def test_threshold_and_a_new_run_open_it_again(a_review: Reviewed) -> None:
    judged(Qt.Key.Key_A, SHIFT)
    a_review.widget.ui.thresholdSlider.value = 0.75
    pythonqt.processEvents(500)
    assert words(a_review.widget) == ["open", "accepted"]
    writeResults(a_review.volumeNode, ("liver", "spleen"))
    a_review.widget.logic.changed()
    pythonqt.processEvents(50)
    assert words(a_review.widget) == ["open", "open"]


def test_note_goes_with_the_judgment(a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    typeInto(ui.reviewNoteLineEdit, "a xylophone")  # the letters are no keys here
    assert words(a_review.widget) == ["open", "open"]
    key(ui.reviewNoteLineEdit, Qt.Key.Key_Return)
    ui.rejectButton.click()
    first = review_of(a_review.segmentation, a_review.segmentIds[0], a_review.volumeNode)
    assert first is not None
    assert (first.state, first.note, first.reviewer) == ("rejected", "a xylophone", "Ann Ray")
    typeInto(ui.reviewNoteLineEdit, " solo")
    key(ui.reviewNoteLineEdit, Qt.Key.Key_Return)
    second = review_of(a_review.segmentation, a_review.segmentIds[0], a_review.volumeNode)
    assert second is not None
    assert (second.state, second.note) == ("rejected", "a xylophone solo")
    assert second.time > first.time
    a_review.widget.logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert ui.reviewNoteLineEdit.text == ""


def test_saved_scene_export_and_training_set_tell_of_it(
    a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path, pump: Pump
) -> None:
    ui = a_review.widget.ui
    judged(Qt.Key.Key_A)
    ui.exportFolderButton.directory = str(tmp_path / "export")
    ui.exportSegmentationCheckBox.checked = True
    ui.exportButton.click()
    pump(lambda: "written" in ui.exportStatusLabel.text, 20)
    record = json.loads((tmp_path / "export" / "export.json").read_text(encoding="utf-8"))
    assert [segment["review_state"] for segment in record["segments"]] == ["accepted", "unreviewed"]
    assert record["review"]["state"] == "unreviewed"
    ui.trainingFolderButton.directory = str(tmp_path / "set")
    ui.addTrainingRowButton.click()
    [path] = (tmp_path / "set").glob("*/record/*.json")
    assert json.loads(path.read_text(encoding="utf-8"))["segments"][0]["reviewer"] == "Ann Ray"
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(50)
    a_slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    pump(lambda: words(a_review.widget) == ["accepted", "open"], 10)
    assert ui.acceptButton.checked


def test_keys_say_why_they_do_nothing(a_module_widget: Any) -> None:
    for which, modifier, reason in (
        (Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "Select a prompt with a result."),
        (Qt.Key.Key_X, SHIFT, "there is nothing to review"),
    ):
        judged(which, modifier)
        assert reason in a_module_widget.ui.statusLabel.text
    assert not a_module_widget.ui.acceptButton.enabled


def test_keys_are_let_go_with_the_panel(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_slicer.util.selectModule("Volumes")
    judged(Qt.Key.Key_A)
    assert review_of(a_review.segmentation, a_review.segmentIds[0], a_review.volumeNode) is None
