"""A scene that was saved after a run brings everything back, in a panel that never saw the run."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
from review_samples import Reviewed, addResults, paint
from slicerhost.fixtures import Pump

PROMPTS = ('liver | "left"', "Milz größer als 脑\nzweite Zeile")


@pytest.fixture
def a_saved_scene(a_slicer: ModuleType, a_module_widget: Any, tmp_path: Path) -> tuple[Path, Reviewed, Any]:
    """File, panel, and the masks that were saved; the scene is closed."""
    review = addResults(a_module_widget, PROMPTS)
    logic, ui = a_module_widget.logic, a_module_widget.ui
    logic.rows.update(logic.rows[0].rowId, name="Leber")
    ui.thresholdSlider.value = 0.75
    pythonqt.processEvents(400)
    paint(review, 1)
    pythonqt.processEvents(800)  # until the edit is noticed
    ui.sampleCountSpinBox.value, ui.seedSpinBox.value = 12, 7
    ui.smoothingSpinBox.value, ui.noiseComboBox.currentIndex = 2.5, ui.noiseComboBox.findData("volume")
    ui.scopeComboBox.currentIndex = ui.scopeComboBox.findData("range")
    ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value = 2, 4
    ui.intensityComboBox.currentIndex = ui.intensityComboBox.findData("brain")
    ui.outlinesOnlyCheckBox.checked = True
    logic.parameters.threePlanes = True
    ui.overlayCheckBox.checked = True
    pythonqt.processEvents(100)
    masks = [review.mask(0), review.mask(1)]
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(100)
    assert len(logic.rows) == 0
    return tmp_path / "scene.mrb", review, masks


@pytest.mark.parametrize("isOpen", [True, False], ids=["panel open", "panel opened later"])
def test_everything_comes_back(
    a_slicer: ModuleType, a_saved_scene: tuple[Path, Reviewed, Any], pump: Pump, isOpen: bool
) -> None:
    path, review, masks = a_saved_scene
    widget = review.widget
    if not isOpen:
        a_slicer.util.selectModule("Volumes")
    a_slicer.util.loadScene(str(path))
    if not isOpen:
        a_slicer.util.selectModule("MedCLIPSeg")
    ui, logic = widget.ui, widget.logic
    pump(lambda: ui.sliceTable.rowCount > 0, 5)
    assert [row.prompt for row in logic.rows] == list(PROMPTS)
    assert [row.label for row in logic.rows] == ["Leber", PROMPTS[1]]
    assert [logic.stateOf(row) for row in logic.rows] == ["done", "edited"]
    assert [row.threshold for row in logic.rows] == [0.75, 0.5]
    assert ui.promptTable.rowCount == 2
    assert ui.promptTable.item(1, 3).text() == "edited"
    for row, mask in zip(logic.rows, masks, strict=True):
        from MedCLIPSegLogic.scene.segmentation import segment_mask

        segmentId = logic.segmentOf(row)
        np.testing.assert_array_equal(segment_mask(logic.segmentationNode, segmentId, logic.volumeNode), mask)
        for role in ("Probability", "Uncertainty", "MutualInformation", "ExpectedEntropy"):
            assert logic.mapOf(row, role) is not None
    assert (ui.sampleCountSpinBox.value, ui.seedSpinBox.value) == (12, 7)
    assert (ui.smoothingSpinBox.value, ui.noiseComboBox.currentData) == (2.5, "volume")
    assert (ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value) == (2, 4)
    assert ui.intensityComboBox.currentData == "brain"
    assert ui.overlayCheckBox.checked
    assert ui.outlinesOnlyCheckBox.checked
    assert logic.parameters.threePlanes
    assert ui.statisticsTable.rowCount == 2
    assert ui.exportSegmentsList.count == 2
    assert ui.exportCollapsibleButton.enabled


def test_the_threshold_moves_segments_of_a_loaded_scene(
    a_slicer: ModuleType, a_saved_scene: tuple[Path, Reviewed, Any], pump: Pump
) -> None:
    path, review, masks = a_saved_scene
    a_slicer.util.loadScene(str(path))
    ui, logic = review.widget.ui, review.widget.logic
    pump(lambda: ui.sliceTable.rowCount > 0, 5)
    assert ui.thresholdSlider.value == 0.75
    ui.thresholdSlider.value = 0.5
    pythonqt.processEvents(400)
    from MedCLIPSegLogic.scene.segmentation import segment_mask

    moved = segment_mask(logic.segmentationNode, logic.segmentOf(logic.rows[0]), logic.volumeNode)
    assert moved.sum() > masks[0].sum()
    assert logic.stateOf(logic.rows[0]) == "done"


def test_a_damaged_table_of_prompts_leaves_the_panel_alive(a_module_widget: Any) -> None:
    for text in ("{", "[1, 2]", '[{"prompt": 7}]', "null"):
        a_module_widget.logic.parameters.promptTable = text
        pythonqt.processEvents(30)
        assert all(isinstance(row.prompt, str) for row in a_module_widget.logic.rows)
