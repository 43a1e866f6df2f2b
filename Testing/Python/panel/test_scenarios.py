"""The situations of which pictures are made: each shows what its name says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scenarios
from known_model import choose, knowingMini, knowingModel
from PIL import Image
from slicerhost.start import REPOSITORY

ROOM = 300 - 18  # of a panel that is 300 pixels wide, beside the scroll bar


def states(widget: Any) -> list[str]:
    return [widget.logic.stateOf(row) for row in widget.logic.rows]


def test_fresh_has_nothing_to_run(a_module_widget: Any) -> None:
    scenarios.fresh(a_module_widget)
    assert states(a_module_widget) == []
    assert not a_module_widget.ui.runButton.enabled


def test_running_can_be_cancelled_and_writes_nothing(a_slicer: ModuleType, a_module_widget: Any) -> None:
    scenarios.running(a_module_widget)
    assert a_module_widget.logic.isRunning
    assert states(a_module_widget) == ["running"]
    assert a_module_widget.ui.runButton.text == "Cancel"
    a_module_widget.ui.runButton.click()
    scenarios.waitUntil(lambda: not a_module_widget.logic.isRunning, 30)
    assert states(a_module_widget) == ["new"]
    assert a_slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_result_shows_segments_in_the_views(a_slicer: ModuleType, a_module_widget: Any) -> None:
    scenarios.result(a_module_widget)
    assert set(states(a_module_widget)) <= {"done", "empty"}
    assert states(a_module_widget)[0] == "done"
    assert a_module_widget.logic.segmentationNode.GetSegmentation().GetNumberOfSegments() == 2
    pixels = a_slicer.app.layoutManager().sliceWidget("Red").sliceView().pixels().astype(int)
    assert np.mean(np.abs(pixels[..., 2] - pixels[..., 0]) > 20) > 0.02
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


def test_what_is_not_understood_is_held_back_until_a_person_wants_it(
    a_slicer: ModuleType, a_module_widget: Any, tmp_path: Path
) -> None:
    ui, logic = a_module_widget.ui, a_module_widget.logic
    choose(a_module_widget, knowingMini(tmp_path / "mini"))
    scenarios.not_understood(a_module_widget)
    assert ui.promptTable.item(0, 3).text() == "unclear"
    assert ui.statusLabel.text.startswith("malignancy: Not understood.")
    assert "nats" not in ui.statusLabel.text
    assert ui.suggestionButton1.text == "tumor"
    assert states(a_module_widget) == ["empty"]
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM
    ui.showAnywayButton.click()
    scenarios.waitUntil(lambda: not logic.isRunning)
    assert "nats" not in ui.statusLabel.text
    assert logic.mapOf(logic.rows[0], "Probability") is not None
    assert ui.promptTable.item(0, 3).text() == "unclear"
    ui.suggestionButton1.click()
    scenarios.waitUntil(lambda: not logic.isRunning)
    assert [row.prompt for row in logic.rows] == ["tumor"]
    assert states(a_module_widget) == ["done"]
    assert "nats" in ui.statusLabel.text
    assert logic.segmentationNode.GetSegmentation().GetNumberOfSegments() == 1


@pytest.mark.parametrize("name", ["foreign-image", "doubtful-place"])
def test_an_answer_comes_with_a_verdict(a_module_widget: Any, name: str) -> None:
    scenarios.SCENARIOS[name](a_module_widget)
    assert a_module_widget.logic.verdictOf(a_module_widget.logic.rows[0]) is not None
    assert a_module_widget.ui.verdictFrame.isVisibleTo(a_module_widget.ui.promptsCollapsibleButton)
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


@pytest.mark.slow
def test_three_planes_show_where_they_disagree(a_module_widget: Any) -> None:
    ui, logic = a_module_widget.ui, a_module_widget.logic
    scenarios.three_planes(a_module_widget)
    assert states(a_module_widget) == ["done"]
    assert "The planes agree with a Dice of 0." in ui.statusLabel.text
    assert ui.threePlanesCheckBox.checked
    assert "121 slices instead of 30" in ui.threePlanesCheckBox.toolTip
    assert ui.overlayCheckBox.checked
    assert logic.mapOf(logic.rows[0], "PlaneDisagreement") is not None
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


def test_builder_writes_a_prompt(a_module_widget: Any, tmp_path: Path) -> None:
    choose(a_module_widget, knowingModel(tmp_path / "model"))
    scenarios.builder(a_module_widget)
    assert "tumor" in a_module_widget.ui.promptLineEdit.text
    assert a_module_widget.ui.promptBuilderFrame.isVisibleTo(a_module_widget.ui.promptsCollapsibleButton)
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


def test_known_model_lists_what_it_knows(a_module_widget: Any, tmp_path: Path) -> None:
    choose(a_module_widget, knowingModel(tmp_path / "model"))
    scenarios.known_model(a_module_widget)
    assert a_module_widget.ui.modelKnowledgeTable.rowCount > 0
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


@pytest.mark.slow
def test_review_lays_the_map_over_the_image(a_slicer: ModuleType, a_module_widget: Any) -> None:
    scenarios.review(a_module_widget)
    node = a_module_widget.logic.mapOf(a_module_widget.logic.currentRow, "Uncertainty")
    composite = a_slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceCompositeNode()
    assert node is not None
    assert composite.GetForegroundVolumeID() == node.GetID()
    assert a_module_widget.ui.sliceTable.rowCount > 0
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


def test_error_says_what_is_missing(a_module_widget: Any) -> None:
    scenarios.error(a_module_widget)
    assert states(a_module_widget) == ["failed"]
    assert "a model that is not there" in a_module_widget.ui.statusLabel.text
    assert a_module_widget.ui.runButton.enabled


def test_zero_shot_shows_every_setting_in_the_room_there_is(a_module_widget: Any) -> None:
    scenarios.zero_shot(a_module_widget)
    ui = a_module_widget.ui
    for widget in (
        ui.zeroShotStudyComboBox,
        ui.zeroShotKindComboBox,
        ui.zeroShotPaddingSpinBox,
        ui.zeroShotPointsSpinBox,
    ):
        assert widget.isVisible()
    assert "20 sentences" in ui.zeroShotDesignNoteLabel.text
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


def test_zero_shot_review_tells_what_the_uncertainty_is(a_module_widget: Any) -> None:
    scenarios.zero_shot_review(a_module_widget)
    assert states(a_module_widget) == ["done"]
    assert a_module_widget.ui.overlayCheckBox.checked
    assert a_module_widget.ui.uncertaintyNoteLabel.text.startswith("No samples were drawn")
    assert a_module_widget.parent.minimumSizeHint.width() <= ROOM


def test_a_picture_of_the_panel_is_written(tmp_path: Path) -> None:
    picture = tmp_path / "made" / "panel.png"
    program = REPOSITORY / "Testing" / "Host" / "panel.py"
    command = [sys.executable, str(program), "--screenshot", str(picture), "--width", "340", "--dark"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(picture) as image:
        assert image.width == 340 + 800
        assert np.asarray(image.convert("L"))[:, :330].mean() < 110


def test_waiting_for_nothing_ends(a_slicer: ModuleType) -> None:
    with pytest.raises(TimeoutError, match=r"0\.1 s"):
        scenarios.waitUntil(lambda: False, 0.1)
