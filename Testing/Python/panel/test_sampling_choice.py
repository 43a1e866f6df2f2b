"""How many samples the panel asks for, and what it says of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import slicer

from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLogic.scene.tags import segment_record

pytestmark = pytest.mark.usefixtures("a_mini_that_never_refuses")


@pytest.mark.parametrize("adaptive", [True, False])
def test_samples_are_drawn_as_needed_unless_all_are_wanted(a_module_widget: Any, pump: Any, adaptive: bool) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (1, 48, 64), dtype=np.uint8)
    slicer.util.setSliceViewerLayers(background=slicer.util.addVolumeFromArray(voxels, name="head"), fit=True)
    logic, ui = a_module_widget.logic, a_module_widget.ui
    assert ui.adaptiveCheckBox.checked
    assert logic.parameters.adaptive
    ui.adaptiveCheckBox.checked = adaptive
    logic.parameters.sampleCount = 40
    logic.rows.add(["tumor"])
    logic.run([row.rowId for row in logic.rows])
    pump(until=lambda: not logic.isRunning, seconds=120)
    [node] = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    settings = json.loads(segment_record(node.GetSegmentation().GetNthSegment(0))["Settings"])
    assert (settings["adaptive"] is not None) is adaptive
    assert settings["samples"] == 40
    text = ui.statusLabel.text
    drawn = float(next(line for line in text.splitlines() if "samples per slice" in line).split()[0])
    assert 3 <= drawn < 40 if adaptive else drawn == 40


def test_samples_of_a_whole_volume_are_drawn_smoothed_and_measured(a_module_widget: Any, pump: Any) -> None:
    logic, ui = a_module_widget.logic, a_module_widget.ui
    logic.parameters.inputVolume = slicer.util.loadVolume(str(CASES / "hippocampus_mri.nii.gz"))
    assert (ui.noiseComboBox.currentData, ui.smoothingSpinBox.text) == ("slice", "None")
    ui.noiseComboBox.currentIndex = ui.noiseComboBox.findData("volume")
    ui.smoothingSpinBox.value, ui.sampleCountSpinBox.value, ui.adaptiveCheckBox.checked = 1.5, 2, False
    logic.parameters.scope, logic.parameters.firstSlice, logic.parameters.lastSlice = "range", 15, 18
    logic.rows.add(["hippocampus"])
    logic.run([row.rowId for row in logic.rows])
    pump(until=lambda: not logic.isRunning, seconds=120)
    [node] = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    settings = json.loads(segment_record(node.GetSegmentation().GetNthSegment(0))["Settings"])
    assert (settings["noise"], settings["smoothing"]) == ("volume", 1.5)
    assert "The samples have " in ui.statusLabel.text


def test_choices_for_volumes_are_off_and_say_why_where_they_do_nothing(a_module_widget: Any) -> None:
    logic, ui = a_module_widget.logic, a_module_widget.ui
    picture = slicer.util.loadVolume(str(CASES / "dermoscopy.jpg"))
    volume = slicer.util.loadVolume(str(CASES / "hippocampus_mri.nii.gz"))
    trained = logic.parameters.model
    for image, model, reason in (
        (volume, trained, ""),
        (picture, trained, "This image is a single slice"),
        (volume, "medclip-sam-v2", "A method without training data draws no samples"),
        (volume, trained, ""),
    ):
        logic.parameters.inputVolume, logic.parameters.model = image, model
        a_module_widget.panel.refresh()
        for widget in (ui.noiseComboBox, ui.smoothingSpinBox):
            assert widget.enabled is not bool(reason)
            assert widget.toolTip.startswith(reason)
            assert widget.toolTip
