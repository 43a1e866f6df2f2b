"""The Input section: image, part, plane and gray values, and what a run makes of them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
from review_samples import SHAPE, addImage, addResults

from MedCLIPSegLib.run.run_order import RunOrder, prepareRun
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.intensity import resolve

PLANES = {"auto": 0, "axial": 0, "coronal": 1, "sagittal": 2}
"""Array axis across the slices of an image without rotation."""


@pytest.fixture
def an_input(a_module_widget: Any) -> Any:
    """The panel with an image chosen and one prompt."""
    a_module_widget.logic.parameters.inputVolume = addImage()
    a_module_widget.logic.rows.add(["liver"])
    pythonqt.processEvents(50)
    return a_module_widget


def choose(combo: Any, key: str) -> None:
    combo.currentIndex = combo.findData(key)
    pythonqt.processEvents(30)


def order(widget: Any, shown: int | None = 2, device: str = "cpu") -> RunOrder:
    logic = widget.logic
    return prepareRun(logic.parameters, list(logic.rows), logic.sliceAxis, shown, device)


def shownNames(selector: Any) -> list[str]:
    return [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]


def test_maps_are_not_offered_as_images(a_module_widget: Any) -> None:
    addResults(a_module_widget)
    names = shownNames(a_module_widget.ui.inputVolumeSelector)
    assert "ct" in names
    assert not [name for name in names if "probability" in name or "uncertainty" in name]
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 7


def test_label_maps_are_not_offered(an_input: Any) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    pythonqt.processEvents(30)
    assert "labels" not in shownNames(an_input.ui.inputVolumeSelector)


def test_color_images_are_offered_without_gray_values(an_input: Any) -> None:
    voxels = np.zeros((1, 12, 16, 3), np.uint8)
    node = slicer.util.addVolumeFromArray(voxels, name="photo", nodeClassName="vtkMRMLVectorVolumeNode")
    an_input.ui.inputVolumeSelector.setCurrentNode(node)
    pythonqt.processEvents(30)
    assert an_input.logic.volumeNode is node
    assert not an_input.ui.intensityComboBox.enabled
    choose(an_input.ui.intensityComboBox, "lung")
    assert order(an_input, 0).request.intensity is None


def test_the_whole_volume_begins_with_the_slice_in_view(an_input: Any) -> None:
    assert an_input.ui.scopeComboBox.currentData == "volume"
    request = order(an_input, shown=4).request
    assert (request.slices, request.start_slice) == ((0, SHAPE[0]), 4)
    assert order(an_input, shown=None).request.start_slice == SHAPE[0] // 2


def test_the_slice_in_view_alone(an_input: Any) -> None:
    choose(an_input.ui.scopeComboBox, "slice")
    assert an_input.logic.parameters.scope == "slice"
    assert order(an_input, shown=3).request.slices == (3, 4)
    with pytest.raises(MedCLIPSegError, match="No slice view shows"):
        order(an_input, shown=None)


def test_a_range_starts_as_everything_and_is_counted_from_one(an_input: Any) -> None:
    ui = an_input.ui
    assert not ui.firstSliceSpinBox.isVisibleTo(ui.inputCollapsibleButton)
    choose(ui.scopeComboBox, "range")
    assert ui.firstSliceSpinBox.isVisibleTo(ui.inputCollapsibleButton)
    assert (ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value) == (1, SHAPE[0])
    ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value = 2, 4
    assert order(an_input, shown=0).request.slices == (1, 4)
    assert order(an_input, shown=0).request.start_slice == 1
    assert order(an_input, shown=5).request.start_slice == 3


def test_a_range_in_falling_order_is_refused(an_input: Any) -> None:
    choose(an_input.ui.scopeComboBox, "range")
    an_input.ui.firstSliceSpinBox.value, an_input.ui.lastSliceSpinBox.value = 5, 2
    with pytest.raises(MedCLIPSegError, match="slices 5 to 2 do not fit; choose from 1 to 6"):
        order(an_input)


@pytest.mark.parametrize(("plane", "axis"), PLANES.items())
def test_each_plane_has_its_slices(an_input: Any, plane: str, axis: int) -> None:
    choose(an_input.ui.planeComboBox, plane)
    choose(an_input.ui.scopeComboBox, "range")
    assert an_input.logic.sliceAxis.axis == axis
    assert an_input.ui.lastSliceSpinBox.maximum == SHAPE[axis]
    assert order(an_input).request.plane == plane


def test_a_picture_has_no_other_plane(an_input: Any) -> None:
    an_input.logic.parameters.inputVolume = addImage("picture", (1, 20, 24))
    choose(an_input.ui.planeComboBox, "sagittal")
    assert an_input.logic.sliceAxis is None
    lines: list[str] = []
    an_input.logic.said.connect(lines.append)
    an_input.logic.ensureDependencies = lambda: None
    an_input.logic.run([row.rowId for row in an_input.logic.rows])
    assert lines == ["This image is a single slice; choose the plane “As acquired” in Input."]


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [("lung", -1350, 150), ("soft-tissue", -160, 240), ("bone", -500, 1300), ("brain", 0, 80)],
)
def test_a_ct_window_is_handed_on(an_input: Any, key: str, low: float, high: float) -> None:
    choose(an_input.ui.intensityComboBox, key)
    volume = order(an_input).request.volume
    mapping = resolve(order(an_input).request.intensity, volume)
    np.testing.assert_array_equal(mapping.apply(np.array([low, high], np.float32)), [0, 255])


def test_the_displayed_window_is_taken_over(an_input: Any) -> None:
    display = an_input.logic.volumeNode.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(50, 110)
    choose(an_input.ui.intensityComboBox, "display")
    mapping = resolve(order(an_input).request.intensity, order(an_input).request.volume)
    np.testing.assert_array_equal(mapping.apply(np.array([85, 135], np.float32)), [0, 255])


def test_an_image_without_display_has_no_window(an_input: Any) -> None:
    choose(an_input.ui.intensityComboBox, "display")
    slicer.util.setSliceViewerLayers(background=None)  # a view makes a display for what it shows
    an_input.logic.volumeNode.RemoveAllDisplayNodeIDs()
    with pytest.raises(MedCLIPSegError, match="“ct” is not displayed"):
        order(an_input)


def test_percentiles_and_automatic(an_input: Any) -> None:
    choose(an_input.ui.intensityComboBox, "percentile")
    assert order(an_input).request.intensity is not None
    choose(an_input.ui.intensityComboBox, "auto")
    assert order(an_input).request.intensity is None


def test_choices_reach_the_engine(an_input: Any) -> None:
    ui, logic = an_input.ui, an_input.logic
    logic.rows.add(["spleen"])
    logic.rows.update(logic.rows[1].rowId, threshold=0.7)
    ui.sampleCountSpinBox.value, ui.seedSpinBox.value = 12, 7
    request = order(an_input, device="cuda").request
    assert request.prompts == ("liver", "spleen")
    assert request.thresholds == (0.5, 0.7)
    assert (request.samples, request.seed, request.device) == (12, 7, "cuda")
    np.testing.assert_array_equal(request.volume.voxels, slicer.util.arrayFromVolume(logic.volumeNode))
    slicer.util.arrayFromVolume(logic.volumeNode)[:] = 0
    assert request.volume.voxels.any()  # a copy: the scene may change during a run


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [((), "no prompt yet"), (("liver", "  "), "no prompt yet"), (("liver", "liver"), "Two rows have the prompt")],
)
def test_prompts_that_cannot_run(a_slicer: ModuleType, an_input: Any, prompts: tuple[str, ...], sentence: str) -> None:
    an_input.logic.rows.replaceAll([])
    an_input.logic.rows.add(prompts)
    with pytest.raises(MedCLIPSegError, match=sentence):
        order(an_input)


def test_a_map_is_refused_as_image(a_module_widget: Any) -> None:
    review = addResults(a_module_widget)
    parameters = review.widget.logic.parameters
    parameters.inputVolume = review.widget.logic.mapOf(review.widget.logic.rows[0], "Probability")
    with pytest.raises(MedCLIPSegError, match="map made by MedCLIPSeg"):
        order(a_module_widget)
