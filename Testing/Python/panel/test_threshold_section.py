"""The Threshold section: segments follow the slider without a run."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
from review_samples import Reviewed, addImage, addResults, paint
from slicerhost.fixtures import Pump

from MedCLIPSegLogic.scene.map_volumes import PROBABILITY, find_map
from MedCLIPSegLogic.scene.tags import segment_record

SETTLED = 400
"""Milliseconds after which a slider at rest has been recorded."""


@pytest.fixture
def a_review(a_slicer: ModuleType, a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


@pytest.fixture
def said(a_module_widget: Any) -> list[str]:
    lines: list[str] = []
    a_module_widget.logic.said.connect(lines.append)
    return lines


def expected(review: Reviewed, threshold: float, number: int = 0) -> Any:
    import slicer

    prompt = review.widget.logic.rows[number].prompt
    node = find_map(slicer.mrmlScene, review.volumeNode, prompt, PROBABILITY)
    return (slicer.util.arrayFromVolume(node) > threshold).astype(np.uint8)


def record(review: Reviewed, number: int = 0) -> dict[str, str]:
    return segment_record(review.segmentation.GetSegmentation().GetSegment(review.segmentIds[number]))


def test_nothing_to_move(a_module_widget: Any) -> None:
    assert not a_module_widget.ui.thresholdCollapsibleButton.enabled
    assert a_module_widget.ui.thresholdCollapsibleButton.text == "Threshold"


def test_the_segment_follows_while_the_slider_moves(a_review: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_values: Any) -> None:
        raise AssertionError("the model was run")

    monkeypatch.setattr(a_review.widget.logic.runControl, "start", refuse)
    other = a_review.mask(1)
    for threshold in (0.65, 0.75, 0.85, 0.55):
        a_review.widget.ui.thresholdSlider.value = threshold
        np.testing.assert_array_equal(a_review.mask(), expected(a_review, threshold))
    np.testing.assert_array_equal(a_review.mask(1), other)


def test_row_and_record_follow_when_the_slider_rests(a_review: Reviewed) -> None:
    a_review.widget.ui.thresholdSlider.value = 0.75
    pythonqt.processEvents(SETTLED)
    row = a_review.widget.logic.rows[0]
    assert row.threshold == 0.75
    assert record(a_review)["Threshold"] == "0.75"
    assert a_review.state() == "done"  # the threshold is no one's edit
    assert a_review.widget.logic.rows[1].threshold == 0.5
    assert a_review.widget.ui.promptTable.item(0, 4).text() == "0.75"


def test_a_threshold_above_everything_empties_the_segment(a_review: Reviewed) -> None:
    a_review.widget.ui.thresholdSlider.value = 0.95
    pythonqt.processEvents(SETTLED)
    assert a_review.mask().sum() == 0
    assert a_review.state() == "empty"


def test_the_slider_shows_the_threshold_of_the_row(a_review: Reviewed) -> None:
    logic, slider = a_review.widget.logic, a_review.widget.ui.thresholdSlider
    logic.rows.update(logic.rows[1].rowId, threshold=0.8)
    logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert slider.value == 0.8
    assert a_review.widget.ui.thresholdCollapsibleButton.text == "Threshold: spleen"
    logic.parameters.currentRow = 0
    pythonqt.processEvents(50)
    assert slider.value == 0.5
    assert a_review.mask(1).sum() == (expected(a_review, 0.5, 1)).sum()  # showing moves nothing


def test_all_rows_together(a_review: Reviewed) -> None:
    logic, ui = a_review.widget.logic, a_review.widget.ui
    logic.rows.add(["not run yet"])
    ui.thresholdAllCheckBox.checked = True
    ui.thresholdSlider.value = 0.75
    pythonqt.processEvents(SETTLED)
    for number in (0, 1):
        np.testing.assert_array_equal(a_review.mask(number), expected(a_review, 0.75, number))
        assert record(a_review, number)["Threshold"] == "0.75"
    assert [row.threshold for row in logic.rows] == [0.75, 0.75, 0.75]


def test_an_edited_segment_stays_and_the_others_move(a_review: Reviewed, said: list[str]) -> None:
    paint(a_review, 1)
    edited = a_review.mask(1)
    a_review.widget.ui.thresholdAllCheckBox.checked = True
    a_review.widget.ui.thresholdSlider.value = 0.75
    pythonqt.processEvents(SETTLED)
    np.testing.assert_array_equal(a_review.mask(1), edited)
    np.testing.assert_array_equal(a_review.mask(), expected(a_review, 0.75))
    assert "“spleen” was edited by hand" in said[0]
    assert [row.threshold for row in a_review.widget.logic.rows] == [0.75, 0.5]


def test_an_edited_segment_alone_says_why_it_stays(a_review: Reviewed, said: list[str]) -> None:
    paint(a_review)
    edited = a_review.mask()
    a_review.widget.ui.thresholdSlider.value = 0.75
    assert "“liver” was edited by hand" in said[0]
    assert a_review.widget.ui.thresholdSlider.value == 0.5
    np.testing.assert_array_equal(a_review.mask(), edited)


def test_a_row_without_result_keeps_its_threshold_for_the_run(a_module_widget: Any) -> None:
    a_module_widget.logic.parameters.inputVolume = addImage()
    a_module_widget.logic.rows.add(["liver"])
    a_module_widget.logic.parameters.currentRow = 0
    pythonqt.processEvents(50)
    a_module_widget.ui.thresholdSlider.value = 0.3
    pythonqt.processEvents(SETTLED)
    assert a_module_widget.logic.rows[0].threshold == 0.3


def test_undo_takes_a_drag_back_as_one(a_review: Reviewed) -> None:
    before = a_review.mask()
    for threshold in (0.55, 0.65, 0.75):
        a_review.widget.ui.thresholdSlider.value = threshold
    pythonqt.processEvents(SETTLED)
    assert a_review.mask().sum() < before.sum()
    a_review.widget.ui.takeBackButton.click()
    pythonqt.processEvents(50)
    np.testing.assert_array_equal(a_review.mask(), before)
    assert a_review.widget.logic.rows[0].threshold == 0.5
    assert a_review.widget.ui.thresholdSlider.value == 0.5


def test_leaving_the_module_records_what_was_dragged(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_review.widget.ui.thresholdSlider.value = 0.75
    a_slicer.util.selectModule("Volumes")
    assert record(a_review)["Threshold"] == "0.75"
    assert a_review.widget.logic.rows[0].threshold == 0.75


def test_closing_the_scene_while_dragging(a_slicer: ModuleType, a_review: Reviewed, pump: Pump) -> None:
    a_review.widget.ui.thresholdSlider.value = 0.75
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(SETTLED)
    assert not a_review.widget.ui.thresholdCollapsibleButton.enabled
    assert len(a_review.widget.logic.rows) == 0
