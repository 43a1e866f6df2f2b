"""The overlay: choices of the panel, what the slice views show, and the key U."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
import qt
import slicerhost
from PySide6.QtCore import Qt
from review_samples import Reviewed, addImage, addResults, compositeXml, press, writeResults

from MedCLIPSegLogic.scene.map_volumes import MAP_ROLES, find_map

Pump = Callable[..., None]


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


def shown(a_slicer: ModuleType) -> set[str | None]:
    """Names of the volumes in the foreground of the slice views."""
    nodes = a_slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return {node.GetForegroundVolumeID() for node in nodes}


def mapId(a_slicer: ModuleType, a_review: Reviewed, role: str, prompt: str = "liver") -> str:
    found = next(candidate for candidate in MAP_ROLES if candidate.name == role)
    return str(find_map(a_slicer.mrmlScene, a_review.volumeNode, prompt, found).GetID())


def display(a_slicer: ModuleType, nodeId: str) -> Any:
    return a_slicer.mrmlScene.GetNodeByID(nodeId).GetDisplayNode()


def test_nothing_to_show_says_why(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    assert not ui.reviewCollapsibleButton.enabled
    assert not ui.overlayCheckBox.enabled
    assert "Select a prompt" in ui.overlayCheckBox.toolTip
    a_module_widget.logic.parameters.inputVolume = addImage()
    a_module_widget.logic.rows.add(["liver"])
    a_module_widget.logic.parameters.currentRow = 0
    pythonqt.processEvents(50)
    assert not ui.overlayCheckBox.enabled
    assert "liver" in ui.overlayCheckBox.toolTip


def test_toggling_restores_the_views(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    before = compositeXml()
    ui.overlayCheckBox.checked = True
    pythonqt.processEvents(50)
    assert shown(a_slicer) == {mapId(a_slicer, a_review, "Uncertainty")}
    assert a_review.widget.logic.parameters.overlayVisible
    ui.overlayCheckBox.checked = False
    pythonqt.processEvents(50)
    assert compositeXml() == before


def test_each_map_has_its_range_and_legend(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    ui.overlayCheckBox.checked = True
    combo = ui.overlayMapComboBox
    assert combo.count == 5
    combo.currentIndex = combo.findData("PlaneDisagreement")  # of a run in one plane
    pythonqt.processEvents(50)
    assert shown(a_slicer) == {None}
    assert "has no map of this kind" in ui.overlayCheckBox.toolTip
    for role, maximum in (
        ("Probability", 1.0),
        ("ExpectedEntropy", 0.69),
        ("MutualInformation", 0.1),
        ("Uncertainty", 0.69),
    ):
        combo.currentIndex = combo.findData(role)
        pythonqt.processEvents(50)
        assert shown(a_slicer) == {mapId(a_slicer, a_review, role)}
        assert ui.overlayMinimumSlider.maximum == pytest.approx(maximum)
        assert ui.overlayCheckBox.checked
        expected = next(candidate for candidate in MAP_ROLES if candidate.name == role)
        assert ui.overlayMinimumSlider.value == pytest.approx(maximum / 20, abs=0.005)
        legends = a_slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
        assert [legend.GetTitleText() for legend in legends if legend.GetVisibility()] == [expected.title]
        assert [len(legend.GetViewNodeIDs()) for legend in legends] == [1]


def test_opacity_and_minimum_reach_the_views(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    ui.overlayCheckBox.checked = True
    ui.overlayOpacitySlider.value = 0.8
    ui.overlayMinimumSlider.value = 0.3
    pythonqt.processEvents(50)
    composites = a_slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    assert [node.GetForegroundOpacity() for node in composites] == pytest.approx([0.8] * len(composites))
    shownMap = display(a_slicer, mapId(a_slicer, a_review, "Uncertainty"))
    assert shownMap.GetLowerThreshold() == pytest.approx(0.3)
    assert a_review.widget.logic.parameters.overlayMinimum == pytest.approx(0.3)


def test_probability_can_be_cut_above_the_range_of_entropies(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    ui.overlayCheckBox.checked = True
    ui.overlayMapComboBox.currentIndex = ui.overlayMapComboBox.findData("Probability")
    pythonqt.processEvents(50)
    ui.overlayMinimumSlider.value = 0.9
    pythonqt.processEvents(50)
    assert a_review.widget.logic.parameters.overlayMinimum == pytest.approx(0.9)
    shownMap = display(a_slicer, mapId(a_slicer, a_review, "Probability"))
    assert shownMap.GetLowerThreshold() == pytest.approx(0.9)


def test_overlay_follows_the_selected_row(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_review.widget.ui.overlayCheckBox.checked = True
    a_review.widget.logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert shown(a_slicer) == {mapId(a_slicer, a_review, "Uncertainty", "spleen")}
    before = a_review.widget.logic.rows.add(["unicorn"])
    a_review.widget.logic.parameters.currentRow = a_review.widget.logic.rows.indexOf(before[0].rowId)
    pythonqt.processEvents(50)
    assert shown(a_slicer) == {None}
    assert not a_review.widget.ui.overlayCheckBox.enabled
    a_review.widget.logic.parameters.currentRow = 0
    pythonqt.processEvents(50)
    assert shown(a_slicer) == {mapId(a_slicer, a_review, "Uncertainty")}


def test_removed_map_says_why(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    ui.overlayCheckBox.checked = True
    pythonqt.processEvents(50)
    a_slicer.mrmlScene.RemoveNode(a_slicer.mrmlScene.GetNodeByID(mapId(a_slicer, a_review, "Uncertainty")))
    a_review.widget.logic.changed()
    pythonqt.processEvents(50)
    assert not ui.overlayCheckBox.enabled
    assert not ui.overlayCheckBox.checked
    assert "no map of this kind" in ui.overlayCheckBox.toolTip
    assert shown(a_slicer) == {None}


def test_outlines_only_and_back(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui, segments = a_review.widget.ui, a_review.segmentation.GetDisplayNode()
    assert segments.GetVisibility2DFill()
    ui.outlinesOnlyCheckBox.checked = True
    pythonqt.processEvents(50)
    assert not segments.GetVisibility2DFill()
    assert segments.GetVisibility2DOutline()
    ui.overlayCheckBox.checked = True
    pythonqt.processEvents(50)
    assert not ui.outlinesOnlyCheckBox.enabled
    ui.overlayCheckBox.checked = False
    pythonqt.processEvents(50)
    assert not segments.GetVisibility2DFill()
    ui.outlinesOnlyCheckBox.checked = False
    pythonqt.processEvents(50)
    assert segments.GetVisibility2DFill()
    assert not [name for name in segments.GetAttributeNames() if "Outline" in name]


def test_key_switches_the_overlay(a_slicer: ModuleType, a_review: Reviewed) -> None:
    press(Qt.Key.Key_U)
    assert shown(a_slicer) == {mapId(a_slicer, a_review, "Uncertainty")}
    press(Qt.Key.Key_U)
    assert shown(a_slicer) == {None}


def test_key_is_a_letter_while_typing(a_slicer: ModuleType, a_review: Reviewed) -> None:
    edit = qt.QLineEdit(a_slicer.util.mainWindow())
    edit.show()
    edit.setFocus()
    pythonqt.processEvents(20)
    press(Qt.Key.Key_U, target=pythonqt.unwrap(edit))
    assert edit.text == "u"
    assert shown(a_slicer) == {None}


def test_key_is_let_go_with_the_module(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_review.widget.ui.overlayCheckBox.checked = True
    pythonqt.processEvents(50)
    a_review.widget.exit()
    before = shown(a_slicer)
    assert before != {None}
    press(Qt.Key.Key_U)
    assert shown(a_slicer) == before
    a_review.widget.enter()
    press(Qt.Key.Key_U)
    assert shown(a_slicer) == {None}


def test_works_without_a_main_window(an_app_without_main_window: ModuleType) -> None:
    widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
    addResults(widget)
    widget.ui.overlayCheckBox.checked = True
    pythonqt.processEvents(50)
    assert widget.logic.parameters.overlayVisible
    widget.exit()
    widget.enter()
    assert widget.ui.overlayCheckBox.checked


def test_new_view_gets_the_overlay(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_review.widget.ui.overlayCheckBox.checked = True
    pythonqt.processEvents(50)
    added = a_slicer.vtkMRMLSliceCompositeNode()
    added.SetLayoutName("Slice4")
    added = a_slicer.mrmlScene.AddNode(added)
    a_slicer.app.layoutManager().setLayout(a_slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert added.GetForegroundVolumeID() == mapId(a_slicer, a_review, "Uncertainty")


def test_review_opens_once_an_image(a_slicer: ModuleType, a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    assert ui.reviewCollapsibleButton.collapsed
    a_review = addResults(a_module_widget)
    assert not ui.reviewCollapsibleButton.collapsed
    ui.reviewCollapsibleButton.collapsed = True
    writeResults(a_review.volumeNode, ("liver", "spleen"))
    a_module_widget.logic.changed()
    pythonqt.processEvents(50)
    assert ui.reviewCollapsibleButton.collapsed
    addResults(a_module_widget, volumeNode=addImage("mr"))
    assert not ui.reviewCollapsibleButton.collapsed


def test_scene_brings_the_overlay_back(a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path, pump: Pump) -> None:
    ui = a_review.widget.ui
    ui.overlayMapComboBox.currentIndex = ui.overlayMapComboBox.findData("MutualInformation")
    ui.overlayCheckBox.checked = True
    ui.overlayOpacitySlider.value = 0.7
    pythonqt.processEvents(50)
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_slicer.mrmlScene.Clear()
    pythonqt.processEvents(50)
    assert not ui.overlayCheckBox.checked
    assert shown(a_slicer) == {None}
    a_slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    pump(lambda: ui.overlayCheckBox.checked, 5)
    [shownId] = shown(a_slicer)
    assert a_slicer.mrmlScene.GetNodeByID(shownId).GetAttribute("MedCLIPSeg.Role") == "MutualInformation"
    assert ui.overlayOpacitySlider.value == pytest.approx(0.7)
    assert ui.overlayMapComboBox.currentData == "MutualInformation"
    ui.overlayCheckBox.checked = False
    pythonqt.processEvents(50)
    assert shown(a_slicer) == {None}
