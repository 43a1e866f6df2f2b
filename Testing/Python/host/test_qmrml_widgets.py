"""The host's MRML widgets follow the scene like those of the application."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

TYPES = ["vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"]


@pytest.fixture
def a_combo(a_slicer: ModuleType) -> Any:
    combo = a_slicer.qMRMLNodeComboBox()
    combo.nodeTypes = TYPES
    combo.showChildNodeTypes = False
    combo.noneEnabled = True
    combo.setMRMLScene(a_slicer.mrmlScene)
    return combo


@pytest.fixture
def changes(a_combo: Any) -> list[Any]:
    """Every node the combo box says it changed to."""
    found: list[Any] = []
    assert a_combo.connect("currentNodeChanged(vtkMRMLNode*)", found.append)
    return found


def names(combo: Any) -> list[str]:
    return [combo.nodeFromIndex(index).GetName() for index in range(combo.nodeCount())]


def add(a_slicer: ModuleType, name: str, kind: str = TYPES[0]) -> Any:
    return a_slicer.mrmlScene.AddNewNodeByClass(kind, name)


def test_only_nodes_of_the_types_are_offered(a_slicer: ModuleType, a_combo: Any) -> None:
    add(a_slicer, "CT")
    add(a_slicer, "photo", TYPES[1])
    add(a_slicer, "labels", "vtkMRMLLabelMapVolumeNode")
    add(a_slicer, "model", "vtkMRMLModelNode")
    add(a_slicer, "hidden").SetHideFromEditors(True)
    a_combo.setMRMLScene(None)
    a_combo.setMRMLScene(a_slicer.mrmlScene)
    assert names(a_combo) == ["CT", "photo"]
    a_combo.showChildNodeTypes = True
    assert names(a_combo) == ["CT", "photo", "labels"]


def test_hidden_ids_are_left_out(a_slicer: ModuleType, a_combo: Any, changes: list[Any]) -> None:
    shown, hidden = add(a_slicer, "CT"), add(a_slicer, "map")
    a_combo.setCurrentNode(hidden)
    a_combo.sortFilterProxyModel().hiddenNodeIDs = [hidden.GetID()]
    assert names(a_combo) == ["CT"]
    assert tuple(a_combo.sortFilterProxyModel().hiddenNodeIDs) == (hidden.GetID(),)
    assert a_combo.currentNode() is None
    a_combo.setCurrentNode(shown)
    assert changes == [hidden, None, shown]


def test_names_follow_the_nodes(a_slicer: ModuleType, a_combo: Any) -> None:
    node = add(a_slicer, "before")
    a_combo.setCurrentNode(node)
    node.SetName("after")
    assert a_combo.hostComboBox().currentText == "after"


def test_a_removed_node_is_let_go_once(a_slicer: ModuleType, a_combo: Any, changes: list[Any]) -> None:
    node = add(a_slicer, "CT")
    add(a_slicer, "MR")
    a_combo.setCurrentNode(node)
    a_slicer.mrmlScene.RemoveNode(node)
    assert a_combo.currentNode() is None
    assert changes == [node, None]
    assert names(a_combo) == ["MR"]


def test_a_closed_scene_leaves_nothing(a_slicer: ModuleType, a_combo: Any, changes: list[Any]) -> None:
    a_combo.setCurrentNode(add(a_slicer, "CT"))
    a_slicer.mrmlScene.Clear(0)
    assert a_combo.currentNode() is None
    assert a_combo.nodeCount() == 0
    assert len(changes) == 2


def test_without_none_the_first_node_is_chosen(a_slicer: ModuleType, a_combo: Any, changes: list[Any]) -> None:
    a_combo.noneEnabled = False
    first = add(a_slicer, "CT")
    second = add(a_slicer, "MR")
    assert a_combo.currentNode() is first
    a_slicer.mrmlScene.RemoveNode(first)
    assert a_combo.currentNode() is second
    assert changes == [first, second]


def test_a_node_that_is_not_offered_means_none(a_slicer: ModuleType, a_combo: Any) -> None:
    a_combo.setCurrentNode(add(a_slicer, "CT"))
    a_combo.setCurrentNode(add(a_slicer, "model", "vtkMRMLModelNode"))
    assert a_combo.currentNode() is None
    assert a_combo.currentNodeID == ""


def test_a_user_chooses_from_the_list(a_slicer: ModuleType, a_combo: Any, changes: list[Any]) -> None:
    node = add(a_slicer, "CT")
    a_combo.hostComboBox().currentIndex = 1
    assert changes == []
    a_combo.hostComboBox().activated(1)
    assert changes == [node]


def test_the_panel_file_hands_the_scene_to_its_selector(a_slicer: ModuleType) -> None:
    from slicerhost.start import REPOSITORY

    root = a_slicer.util.loadUI(str(REPOSITORY / "MedCLIPSeg" / "Resources" / "UI" / "MedCLIPSeg.ui"))
    ui = a_slicer.util.childWidgetVariables(root)
    add(a_slicer, "CT")
    assert ui.inputVolumeSelector.nodeCount() == 0
    root.setMRMLScene(a_slicer.mrmlScene)
    assert names(ui.inputVolumeSelector) == ["CT"]


@pytest.fixture
def an_editor(a_slicer: ModuleType) -> Any:
    """A segment editor on a segmentation of a small volume."""
    volume = a_slicer.util.addVolumeFromArray(np.zeros((3, 8, 9), np.uint8), name="CT")
    segmentation = a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    editor = a_slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(a_slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setSegmentationNode(segmentation)
    editor.setSourceVolumeNode(volume)
    return editor


def test_undo_takes_back_segments_and_voxels(a_slicer: ModuleType, an_editor: Any) -> None:
    node, volume = an_editor.segmentationNode(), an_editor.sourceVolumeNode()
    an_editor.setMaximumNumberOfUndoStates(5)
    (button,) = a_slicer.util.findChildren(an_editor, name="UndoButton")
    assert not button.isEnabledTo(an_editor)
    an_editor.saveStateForUndo()
    segment_id = node.GetSegmentation().AddEmptySegment("", "liver", (1, 0, 0))
    an_editor.saveStateForUndo()
    mask = np.zeros((3, 8, 9), np.uint8)
    mask[1, 2:5, 2:6] = 1
    a_slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    assert button.isEnabledTo(an_editor)
    an_editor.undo()
    assert node.GetSegmentation().GetNumberOfSegments() == 1
    assert a_slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).sum() == 0
    an_editor.undo()
    assert node.GetSegmentation().GetNumberOfSegments() == 0
    an_editor.redo()
    an_editor.redo()
    assert a_slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).sum() == 12


def test_the_first_segment_is_chosen(an_editor: Any) -> None:
    segment_id = an_editor.segmentationNode().GetSegmentation().AddEmptySegment("", "liver", (1, 0, 0))
    assert an_editor.currentSegmentID() == segment_id
    assert an_editor.mrmlSegmentEditorNode().GetSelectedSegmentID() == segment_id


def test_effects_are_those_asked_for(an_editor: Any) -> None:
    an_editor.setEffectNameOrder(["Erase", "Paint", "No such effect"])
    an_editor.unorderedEffectsVisible = False
    assert tuple(an_editor.effectNameOrder()) == ("Erase", "Paint")
    an_editor.setActiveEffectByName("Paint")
    assert an_editor.activeEffect().name == "Paint"
    an_editor.setActiveEffect(None)
    assert an_editor.activeEffect() is None


def test_shortcuts_live_in_the_main_window_until_uninstalled(a_slicer: ModuleType, an_editor: Any) -> None:
    window = a_slicer.util.mainWindow()
    before = len(a_slicer.util.findChildren(window, className="QShortcut"))
    an_editor.installKeyboardShortcuts()
    assert len(a_slicer.util.findChildren(window, className="QShortcut")) > before
    an_editor.uninstallKeyboardShortcuts()
    assert len(a_slicer.util.findChildren(window, className="QShortcut")) == before


def test_view_observations_end(an_editor: Any) -> None:
    an_editor.setupViewObservations()
    assert an_editor.hostIsObservingViews()
    an_editor.removeViewObservations()
    assert not an_editor.hostIsObservingViews()


def test_the_editor_changes_layers_of_the_views(a_slicer: ModuleType, an_editor: Any) -> None:
    labels = a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    other = a_slicer.util.addVolumeFromArray(np.zeros((3, 8, 9), np.uint8), name="MR")
    a_slicer.util.setSliceViewerLayers(label=labels)
    an_editor.setSegmentationNode(a_slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode"))
    an_editor.setSourceVolumeNode(other)
    composite = a_slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetLabelVolumeID() is None
    assert composite.GetBackgroundVolumeID() == other.GetID()


def test_a_closed_scene_leaves_nothing_to_undo(a_slicer: ModuleType, an_editor: Any) -> None:
    an_editor.saveStateForUndo()
    an_editor.segmentationNode().GetSegmentation().AddEmptySegment("", "liver", (1, 0, 0))
    (button,) = a_slicer.util.findChildren(an_editor, name="UndoButton")
    assert button.isEnabledTo(an_editor)
    a_slicer.mrmlScene.Clear(0)
    an_editor.setSegmentationNode(None)
    assert not button.isEnabledTo(an_editor)
