"""The Input section: image, part, plane and gray values, and what a run makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
from nifti_headers import qform, write_header
from review_samples import SHAPE, addImage, addResults

from MedCLIPSegLib.run.order import orderOf
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.geometry import vtk_matrix
from MedCLIPSegLogic.scene.pictures import is_picture
from MedCLIPSegLogic.scene.views import jump_to_slice
from MedCLIPSegLogic.volumes.intensity import resolve

PLANES = {"auto": 0, "axial": 0, "coronal": 1, "sagittal": 2}
"""Array axis across the slices of an image without rotation."""
WINDOWS = {"lung": (-1350, 150), "soft-tissue": (-160, 240), "bone": (-500, 1300), "brain": (0, 80)}


@pytest.fixture
def an_input(a_module_widget: Any) -> Any:
    """The panel with an image chosen, in the views, and one prompt."""
    a_module_widget.logic.parameters.inputVolume = addImage()
    a_module_widget.logic.rows.add(["liver"])
    pythonqt.processEvents(50)
    return a_module_widget


def choose(combo: Any, key: str) -> None:
    combo.currentIndex = combo.findData(key)
    pythonqt.processEvents(30)


def request(widget: Any, device: str = "cpu") -> Any:
    return orderOf(widget.logic, list(widget.logic.rows), device).prepared.request


def show(widget: Any, index: int) -> None:
    jump_to_slice(slicer.mrmlScene, widget.logic.volumeNode, widget.logic.sliceAxis.axis, index)


def hideViews() -> None:
    slicer.util.setSliceViewerLayers(background=None)


def shownNames(selector: Any) -> list[str]:
    return [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]


def test_neither_maps_nor_label_maps_are_offered_nor_taken(a_module_widget: Any) -> None:
    review = addResults(a_module_widget)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    pythonqt.processEvents(30)
    names = shownNames(a_module_widget.ui.inputVolumeSelector)
    assert "ct" in names
    assert not [name for name in names if "probability" in name or "uncertainty" in name or name == "labels"]
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 8
    logic = review.widget.logic
    logic.parameters.inputVolume = map_node = logic.mapOf(logic.rows[0], "Probability")
    for run in (lambda: request(a_module_widget), lambda: logic.segment(map_node, ["liver"], samples=1)):
        with pytest.raises(MedCLIPSegError, match="This image is a map made by MedCLIPSeg; select the image"):
            run()


def test_color_images_are_offered_without_gray_values(an_input: Any) -> None:
    voxels = np.zeros((1, 12, 16, 3), np.uint8)
    node = slicer.util.addVolumeFromArray(voxels, name="photo", nodeClassName="vtkMRMLVectorVolumeNode")
    an_input.ui.inputVolumeSelector.setCurrentNode(node)
    pythonqt.processEvents(30)
    assert an_input.logic.volumeNode is node
    ui = an_input.ui
    asked = (ui.intensityComboBox, ui.scopeComboBox, ui.planeComboBox, ui.loadImageButton)
    assert not any(widget.isVisibleTo(ui.inputCollapsibleButton) for widget in asked)
    choose(an_input.ui.intensityComboBox, "lung")
    assert request(an_input).intensity is None


def test_the_whole_volume_or_the_slice_in_view(an_input: Any) -> None:
    assert an_input.ui.scopeComboBox.currentData == "volume"
    show(an_input, 4)
    assert (request(an_input).slices, request(an_input).start_slice) == ((0, SHAPE[0]), 4)
    choose(an_input.ui.scopeComboBox, "slice")
    assert an_input.logic.parameters.scope == "slice"
    show(an_input, 3)
    assert request(an_input).slices == (3, 4)
    hideViews()
    with pytest.raises(MedCLIPSegError, match="No slice view shows"):
        request(an_input)
    choose(an_input.ui.scopeComboBox, "volume")
    assert request(an_input).start_slice == SHAPE[0] // 2


def test_a_range_starts_as_everything_and_is_counted_from_one(an_input: Any) -> None:
    ui = an_input.ui
    assert not ui.firstSliceSpinBox.isVisibleTo(ui.inputCollapsibleButton)
    choose(ui.scopeComboBox, "range")
    assert ui.firstSliceSpinBox.isVisibleTo(ui.inputCollapsibleButton)
    assert (ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value) == (1, SHAPE[0])
    ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value = 2, 4
    for shown, start in ((0, 1), (5, 3)):
        show(an_input, shown)
        assert (request(an_input).slices, request(an_input).start_slice) == ((1, 4), start)
    ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value = 5, 2
    with pytest.raises(MedCLIPSegError, match="slices 5 to 2 do not fit; choose from 1 to 6"):
        request(an_input)


def test_each_plane_has_its_slices(an_input: Any) -> None:
    choose(an_input.ui.scopeComboBox, "range")
    for plane, axis in PLANES.items():
        choose(an_input.ui.planeComboBox, plane)
        assert an_input.logic.sliceAxis.axis == axis
        assert an_input.ui.lastSliceSpinBox.maximum == SHAPE[axis]
        assert request(an_input).plane == plane


def test_a_picture_has_no_other_plane(an_input: Any) -> None:
    an_input.logic.parameters.inputVolume = addImage("picture", (1, 20, 24))
    choose(an_input.ui.planeComboBox, "sagittal")
    assert an_input.logic.sliceAxis is None
    lines: list[str] = []
    an_input.logic.said.connect(lines.append)
    an_input.logic.run([row.rowId for row in an_input.logic.rows])
    assert lines == ["This image is a single slice; choose the plane “Automatic” in Input."]


def test_gray_values_are_handed_on(an_input: Any) -> None:
    combo, display = an_input.ui.intensityComboBox, an_input.logic.volumeNode.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(50, 110)
    for key, (low, high) in {**WINDOWS, "display": (85, 135)}.items():
        choose(combo, key)
        asked = request(an_input)
        mapping = resolve(asked.intensity, asked.volume)
        np.testing.assert_array_equal(mapping.apply(np.array([low, high], np.float32)), [0, 255])
    hideViews()  # a view makes a display for what it shows
    an_input.logic.volumeNode.RemoveAllDisplayNodeIDs()
    with pytest.raises(MedCLIPSegError, match="“ct” is not displayed"):
        request(an_input)
    choose(combo, "percentile")
    assert request(an_input).intensity is not None
    choose(combo, "auto")
    assert request(an_input).intensity is None


def test_choices_reach_the_engine(an_input: Any) -> None:
    ui, logic = an_input.ui, an_input.logic
    logic.rows.add(["spleen"])
    logic.rows.update(logic.rows[1].rowId, threshold=0.7)
    ui.sampleCountSpinBox.value, ui.seedSpinBox.value = 12, 7
    asked = request(an_input, device="cuda")
    assert asked.prompts == ("liver", "spleen")
    assert asked.thresholds == (0.5, 0.7)
    assert (asked.samples, asked.seed, asked.device) == (12, 7, "cuda")
    np.testing.assert_array_equal(asked.volume.voxels, slicer.util.arrayFromVolume(logic.volumeNode))
    slicer.util.arrayFromVolume(logic.volumeNode)[:] = 0
    assert asked.volume.voxels.any()  # a copy: the scene may change during a run


def test_prompts_that_cannot_run(an_input: Any) -> None:
    for prompts, sentence in (
        ((), "no prompt yet"),
        (("liver", "  "), "no prompt yet"),
        (("liver", "liver"), "Two rows have the prompt"),
    ):
        an_input.logic.rows.replaceAll([])
        an_input.logic.rows.add(prompts)
        with pytest.raises(MedCLIPSegError, match=sentence):
            request(an_input)


def test_what_the_file_leaves_open_is_told_below_the_image(a_module_widget: Any, tmp_path: Path) -> None:
    ui, parameters = a_module_widget.ui, a_module_widget.logic.parameters
    silent = slicer.util.loadVolume(str(write_header(tmp_path / "silent.nii")))
    clear = slicer.util.loadVolume(str(write_header(tmp_path / "clear.nii", **qform("lps"))))
    for node, text in ((silent, "does not say where the image lies"), (clear, "")):
        parameters.inputVolume = node
        pythonqt.processEvents(50)
        Path(node.GetStorageNode().GetFileName()).unlink()  # it was read once
        a_module_widget.logic.changed()
        pythonqt.processEvents(50)
        assert text in ui.inputNoteLabel.text
        assert ui.inputNoteLabel.isVisibleTo(ui.inputCollapsibleButton) is bool(text)


def test_a_picture_that_is_chosen_stays_one_in_the_saved_scene(a_module_widget: Any) -> None:
    node = addImage("photo", (1, 20, 24))
    node.SetIJKToRASMatrix(vtk_matrix(np.diag([-0.25, -0.25, 1.0, 1.0])))
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName("/gone/photo.jpg")
    a_module_widget.logic.parameters.inputVolume = node
    pythonqt.processEvents(50)
    node.GetStorageNode().SetFileName("/gone/scene/photo.nrrd")
    assert is_picture(node)
    node.SetSpacing(0.1, 0.1, 1)
    assert not is_picture(node)
