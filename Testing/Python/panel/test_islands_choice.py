"""Islands in the Threshold section: chosen live, told, taken back, and kept for the run."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
from review_samples import Reviewed, addResults
from slicerhost.fixtures import Pump
from zero_shot_panel import addPicture, choose, isShown, runAll, setChoice

from MedCLIPSegLib.prompts.prompt_rows import PromptRows
from MedCLIPSegLogic.scene.map_volumes import PROBABILITY, find_map
from MedCLIPSegLogic.scene.tags import island_rule_of

BOX = 10 * 6 * 4
"""Voxels, of 1 mm³, of the box that a prompt finds."""


@pytest.fixture
def a_review(a_slicer: ModuleType, a_module_widget: Any) -> Reviewed:
    """Two prompts whose boxes have an island of 6 voxels beside them."""
    review = addResults(a_module_widget)
    for row in a_module_widget.logic.rows:
        node = find_map(a_slicer.mrmlScene, review.volumeNode, row.prompt, PROBABILITY)
        a_slicer.util.arrayFromVolume(node)[0, 17:19, 20:23] = 0.8
    return review


def islandIsThere(review: Reviewed, number: int = 0) -> bool:
    return bool(review.mask(number)[0, 17:19, 20:23].all())


def settle(widget: Any, pump: Pump, **values: Any) -> None:
    """Wait until the first row has these values, so that all is recorded, and shown."""
    row = widget.logic.rows
    pump(until=lambda: all(getattr(row[0], name) == value for name, value in values.items()), seconds=10)
    pythonqt.processEvents(50)


def showIsland(review: Reviewed, pump: Pump) -> None:
    """Move the slider, so that the segments follow the maps with the island."""
    review.widget.ui.thresholdSlider.value = 0.51
    settle(review.widget, pump, threshold=0.51)
    assert islandIsThere(review)


def test_the_segment_follows_and_the_panel_says_what_went(a_review: Reviewed, a_module_widget: Any, pump: Pump) -> None:
    logic, ui = a_module_widget.logic, a_module_widget.ui
    assert not isShown(ui.islandsNoteLabel)
    assert not isShown(ui.islandsSpinBox)
    showIsland(a_review, pump)
    other = a_review.mask(1)
    setChoice(ui.islandsComboBox, "largest")
    assert not islandIsThere(a_review)
    settle(a_module_widget, pump, islands="largest")
    assert a_review.mask().sum() == BOX
    assert ui.islandsNoteLabel.text == "1 island was removed: 6 mm³."
    assert isShown(ui.islandsNoteLabel)
    assert a_review.state() == "done"  # no one's edit
    ui.thresholdSlider.value = 0.5
    settle(a_module_widget, pump, threshold=0.5)
    assert not islandIsThere(a_review)
    np.testing.assert_array_equal(a_review.mask(1), other)

    setChoice(ui.islandsComboBox, "size")
    assert isShown(ui.islandsSpinBox)
    assert ui.islandsSpinBox.suffix == " mm³"
    assert a_module_widget.parent.minimumSizeHint.width() <= 300 - 18  # a narrow panel and its scroll bar
    assert not islandIsThere(a_review)  # 10 at first
    ui.islandsSpinBox.value = 6
    assert islandIsThere(a_review)
    settle(a_module_widget, pump, islands=6)
    assert not isShown(ui.islandsNoteLabel)
    logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert (ui.islandsComboBox.currentData, isShown(ui.islandsSpinBox)) == ("all", False)


def test_take_back_undoes_a_choice_as_one(a_review: Reviewed, a_module_widget: Any, pump: Pump) -> None:
    ui = a_module_widget.ui
    showIsland(a_review, pump)
    setChoice(ui.islandsComboBox, "size")
    for least in (100, 200, 300):
        ui.islandsSpinBox.value = least
    assert not a_review.mask().any()
    settle(a_module_widget, pump, islands=300)
    ui.takeBackButton.click()
    settle(a_module_widget, pump, islands="all")
    assert islandIsThere(a_review)
    assert ui.islandsComboBox.currentData == "all"
    assert not isShown(ui.islandsNoteLabel)
    a_module_widget.panel.exit()  # marks what was edited
    assert a_review.state() == "done"


def test_all_prompts_together_keep_their_own_thresholds(a_review: Reviewed, a_module_widget: Any, pump: Pump) -> None:
    logic, ui = a_module_widget.logic, a_module_widget.ui
    showIsland(a_review, pump)
    logic.rows.add(["not run yet"])
    ui.thresholdAllCheckBox.checked = True
    setChoice(ui.islandsComboBox, "largest")
    settle(a_module_widget, pump, islands="largest")
    assert [row.islands for row in logic.rows] == ["largest"] * 3
    assert [row.threshold for row in logic.rows] == [0.51, 0.5, 0.5]
    assert not islandIsThere(a_review)
    assert not islandIsThere(a_review, 1)
    segments = a_review.segmentation.GetSegmentation()
    assert [island_rule_of(segments.GetSegment(each)) for each in a_review.segmentIds] == ["largest"] * 2


def test_a_row_without_result_takes_its_rule_to_the_run(a_module_widget: Any, pump: Pump) -> None:
    """The run keeps by it, says what it removed, and the rule is saved with the row."""
    addPicture()
    logic, ui = a_module_widget.logic, a_module_widget.ui
    logic.parameters.sampleCount = 1
    logic.rows.add(["tumor in the breast ultrasound"])
    logic.parameters.currentRow = 0
    pythonqt.processEvents(50)
    assert ui.islandsSpinBox.suffix == " mm²"
    setChoice(ui.islandsComboBox, "size")
    ui.islandsSpinBox.value = 1_000_000
    settle(a_module_widget, pump, islands=1_000_000)
    logic.rows.update(logic.rows[0].rowId, threshold=0.001)  # something is above it, whatever the model
    logic.run([logic.rows[0].rowId], showAnyway=True)
    pump(until=lambda: not logic.isRunning, seconds=120)
    status = ui.statusLabel.text
    assert "Nothing is kept. " in status
    assert ui.islandsNoteLabel.text in status
    assert "removed" in ui.islandsNoteLabel.text
    assert logic.stateOf(logic.rows[0]) == "empty"
    segment = logic.segmentationNode.GetSegmentation().GetSegment(logic.segmentOf(logic.rows[0]))
    assert island_rule_of(segment) == 1_000_000
    assert [row.islands for row in PromptRows.parse(logic.rows.toJson())] == [1_000_000]
    assert [row.islands for row in PromptRows.parse('[{"islands": -3}, {"islands": true}, {"islands": "x"}]')] == (
        ["all"] * 3
    )


def test_a_zero_shot_segment_keeps_by_the_rule_of_its_method(a_module_widget: Any, pump: Pump) -> None:
    addPicture()
    logic, ui = a_module_widget.logic, a_module_widget.ui
    choose(a_module_widget, "medclip-sam-v2")
    setChoice(ui.zeroShotSamComboBox, "none")
    ui.zeroShotConfidenceSpinBox.value = 0
    logic.rows.add(["tumor"])
    logic.parameters.currentRow = 0
    logic.rows.update(logic.rows[0].rowId, islands="largest")  # of a run of another model
    runAll(a_module_widget, pump)
    assert not ui.islandsComboBox.enabled
    assert "rule of its own" in ui.islandsComboBox.toolTip
    setChoice(ui.modelComboBox, "mini")
    pythonqt.processEvents(50)
    assert not ui.islandsComboBox.enabled  # the segment is what it was
    ui.thresholdSlider.value = 0.6
    settle(a_module_widget, pump, threshold=0.6)
    segment = logic.segmentationNode.GetSegmentation().GetSegment(logic.segmentOf(logic.rows[0]))
    assert island_rule_of(segment) == "all"
