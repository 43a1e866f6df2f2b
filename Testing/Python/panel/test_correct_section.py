"""Correcting in the panel: the editor, undo, and how edits are noticed."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
import slicerhost
from PySide6.QtCore import Qt
from review_samples import Reviewed, addImage, addResults, compositeXml, paint, press, writeResults

from MedCLIPSegLib.correct.edit_watch import SETTLE_MILLISECONDS
from MedCLIPSegLogic.scene.segmentation import set_segment_mask

Pump = Callable[..., None]
SETTLED = 2 * SETTLE_MILLISECONDS
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


@pytest.fixture
def an_open_editor(a_review: Reviewed) -> Any:
    """The editor in the opened section."""
    a_review.widget.ui.correctCollapsibleButton.collapsed = False
    pythonqt.processEvents(50)
    return editorOf(a_review)


def editorOf(a_review: Reviewed) -> Any:
    return a_review.widget.panel.correct._editor


def test_nothing_to_correct(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    assert not ui.correctCollapsibleButton.enabled
    assert not ui.takeBackButton.enabled
    assert ui.correctLabel.text == "Select a prompt with a result."


def test_editor_is_made_when_it_is_needed(a_slicer: ModuleType, a_review: Reviewed) -> None:
    assert a_review.widget.ui.correctCollapsibleButton.enabled
    assert editorOf(a_review) is None
    assert a_slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 0
    before = compositeXml()
    a_review.widget.ui.correctCollapsibleButton.collapsed = False
    pythonqt.processEvents(50)
    editor = editorOf(a_review)
    assert editor.segmentationNode() is a_review.segmentation
    assert editor.sourceVolumeNode() is a_review.volumeNode
    assert editor.currentSegmentID() == a_review.segmentIds[0]
    assert tuple(editor.effectNameOrder())[:2] == ("Paint", "Erase")
    assert compositeXml() == before
    assert "liver" in a_review.widget.ui.correctLabel.text


def test_editor_follows_the_row_and_the_row_the_editor(a_review: Reviewed, an_open_editor: Any) -> None:
    a_review.widget.logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert an_open_editor.currentSegmentID() == a_review.segmentIds[1]
    an_open_editor.setCurrentSegmentID(a_review.segmentIds[0])
    pythonqt.processEvents(50)
    assert a_review.widget.logic.parameters.currentRow == 0
    assert an_open_editor.currentSegmentID() == a_review.segmentIds[0]
    a_review.widget.logic.rows.add(["unicorn"])
    a_review.widget.logic.parameters.currentRow = 2
    pythonqt.processEvents(50)
    assert a_review.widget.ui.correctLabel.text == "Select a prompt with a result."
    assert not a_review.widget.ui.segmentEditorPlace.isVisibleTo(a_review.widget.ui.correctCollapsibleButton)


def test_edited_segment_is_marked_by_itself(a_review: Reviewed, pump: Pump) -> None:
    assert a_review.state() == "done"
    paint(a_review)
    pump(lambda: a_review.state() == "edited", 5)
    assert a_review.state(1) == "done"
    pump(lambda: "was edited" in a_review.widget.ui.correctLabel.text, 5)


@pytest.mark.parametrize("what", ["nothing", "the segmentation", "the labelmap", "the ID"])
def test_an_edit_is_noticed_whatever_its_event_brings(a_review: Reviewed, pump: Pump, what: str) -> None:
    """Slicer gives one of these to SourceRepresentationModified, by what changed the voxels."""
    pythonqt.processEvents(SETTLED)
    segmentation, segmentId = a_review.segmentation.GetSegmentation(), a_review.segmentIds[0]
    labelmap = a_review.segmentation.GetBinaryLabelmapInternalRepresentation(segmentId)
    voxels = labelmap.GetPointData().GetScalars()
    voxels.Fill(1)
    voxels.Modified()  # the labelmap has a new time, but sends no event of its own
    data = {"the segmentation": segmentation, "the labelmap": labelmap, "the ID": segmentId}
    segmentation.InvokeEvent(segmentation.SourceRepresentationModified, *filter(None, [data.get(what)]))
    pump(lambda: a_review.state() == "edited", 5)


def test_undo_of_an_edit_takes_the_mark_back(a_review: Reviewed, an_open_editor: Any, pump: Pump) -> None:
    before = a_review.mask()
    paint(a_review, editor=an_open_editor)
    pump(lambda: a_review.state() == "edited", 5)
    pump(lambda: a_review.widget.ui.takeBackButton.enabled, 5)
    a_review.widget.ui.takeBackButton.click()
    pythonqt.processEvents(SETTLED)
    assert np.array_equal(a_review.mask(), before)
    assert a_review.state() == "done"
    an_open_editor.redo()
    pump(lambda: a_review.state() == "edited", 5)


def test_changes_while_a_run_writes_are_no_edits(a_review: Reviewed) -> None:
    pythonqt.processEvents(SETTLED)
    a_review.widget.logic.runControl.state = "writing"
    paint(a_review)
    a_review.widget.logic.runControl.state = "idle"
    pythonqt.processEvents(SETTLED)
    assert a_review.state() == "done"


def test_edit_before_the_panel_was_opened_is_marked(a_slicer: ModuleType, a_review: Reviewed, pump: Pump) -> None:
    first = a_review.widget.logic.volumeNode
    addResults(a_review.widget, ("kidney",), addImage("mr"))
    paint(a_review)
    a_review.widget.logic.parameters.inputVolume = first
    pump(lambda: a_review.state() == "edited", 5)


def test_edit_is_marked_when_the_module_is_left(a_review: Reviewed) -> None:
    paint(a_review)
    a_review.widget.exit()
    assert a_review.state() == "edited"


def test_edit_in_another_module_is_marked(a_review: Reviewed, pump: Pump) -> None:
    a_review.widget.exit()
    paint(a_review)
    pump(lambda: a_review.state() == "edited", 5)


def test_result_of_a_model_is_taken_back(a_slicer: ModuleType, a_module_widget: Any, pump: Pump) -> None:
    logic, ui = a_module_widget.logic, a_module_widget.ui
    first = addResults(a_module_widget, ("liver",))
    assert not ui.takeBackButton.enabled
    [row] = logic.rows.add(["spleen"])
    logic.saveStateForUndo(first.segmentation)
    written = writeResults(first.volumeNode, ("spleen",))
    logic.rows.update(row.rowId, segmentId=written.segment_ids[0])
    logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    assert logic.stateOf(logic.rows[1]) == "done"
    assert ui.correctCollapsibleButton.collapsed
    press(Qt.Key.Key_Z, CONTROL)
    pump(lambda: logic.stateOf(logic.rows[1]) == "new", 5)
    assert list(first.segmentation.GetSegmentation().GetSegmentIDs()) == list(first.segmentIds)
    assert logic.parameters.currentRow == 1
    assert logic.stateOf(logic.rows[0]) == "done"
    press(Qt.Key.Key_Y, CONTROL)
    pump(lambda: logic.stateOf(logic.rows[1]) == "done", 5)


def test_first_result_is_taken_back(a_slicer: ModuleType, a_module_widget: Any, pump: Pump) -> None:
    from MedCLIPSegLogic.scene.segmentation import create_segmentation

    logic = a_module_widget.logic
    volumeNode = addImage()
    logic.parameters.inputVolume = volumeNode
    segmentation = create_segmentation(a_slicer.mrmlScene, volumeNode)
    logic.parameters.segmentation = segmentation
    logic.saveStateForUndo(segmentation)
    reviewed = addResults(a_module_widget, ("liver",), volumeNode)
    assert reviewed.segmentation is segmentation
    assert reviewed.state() == "done"
    assert a_module_widget.ui.takeBackButton.enabled
    a_module_widget.ui.takeBackButton.click()
    assert reviewed.state() == "new"
    pump(lambda: not a_module_widget.ui.takeBackButton.enabled, 5)


def test_keys_and_views_are_let_go_with_the_module(
    a_slicer: ModuleType, a_review: Reviewed, an_open_editor: Any
) -> None:
    paint(a_review, editor=an_open_editor)
    painted = a_review.mask()
    an_open_editor.setActiveEffectByName("Paint")
    a_review.widget.exit()
    assert an_open_editor.activeEffect() is None
    press(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(a_review.mask(), painted)
    a_review.widget.enter()
    press(Qt.Key.Key_Z, CONTROL)
    assert not np.array_equal(a_review.mask(), painted)


def test_closed_section_has_no_tool_and_still_undoes(a_review: Reviewed, an_open_editor: Any) -> None:
    before = a_review.mask()
    paint(a_review, editor=an_open_editor)
    an_open_editor.setActiveEffectByName("Paint")
    a_review.widget.ui.correctCollapsibleButton.collapsed = True
    pythonqt.processEvents(50)
    assert an_open_editor.activeEffect() is None
    press(Qt.Key.Key_1)
    assert an_open_editor.activeEffect() is None
    press(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(a_review.mask(), before)


UNDO_KEYS = [(Qt.Key.Key_Z, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_Z, CONTROL)]
REDO_KEYS = [(Qt.Key.Key_Y, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_Y, CONTROL)]


@pytest.mark.parametrize("isOpen", [True, False])
def test_no_undo_while_a_run_is_under_way(a_review: Reviewed, an_open_editor: Any, isOpen: bool, pump: Pump) -> None:
    """Neither by the panel nor by the editor in it, from the moment the run is asked for to its end."""
    logic, ui = a_review.widget.logic, a_review.widget.ui
    before = a_review.mask()
    paint(a_review, editor=an_open_editor)
    pythonqt.processEvents(SETTLED)
    painted, other = a_review.mask(), a_review.mask(1)
    paint(a_review, 1, an_open_editor)
    pythonqt.processEvents(SETTLED)
    an_open_editor.undo()  # so that there is something to redo
    an_open_editor.setActiveEffectByName("Paint")
    ui.correctCollapsibleButton.collapsed = not isOpen
    logic.rows.add(["unicorn"])
    logic.parameters.sampleCount, logic.parameters.adaptive = 100, False
    pythonqt.processEvents(50)
    logic.run([logic.rows[2].rowId])
    logic.runControl._pump.stop()  # the run stands still
    assert an_open_editor.logic().CanUndo()
    assert an_open_editor.logic().CanRedo()
    undo, redo = (slicer.util.findChild(an_open_editor, f"{name}Button") for name in ("Undo", "Redo"))
    for isRefreshed in (False, True):
        if isRefreshed:
            pythonqt.processEvents(50)
            assert not ui.takeBackButton.enabled
        for key, modifiers in UNDO_KEYS + REDO_KEYS:
            press(key, modifiers)
        for button in (undo, redo, ui.takeBackButton):
            button.click()
        assert np.array_equal(a_review.mask(), painted)
        assert np.array_equal(a_review.mask(1), other)
        assert not ui.takeBackButton.enabled or not isRefreshed
    assert (an_open_editor.activeEffect() is not None) == isOpen
    logic.runControl._pump.start()
    logic.cancel()
    pump(lambda: not logic.isRunning, 60)
    pythonqt.processEvents(50)
    assert ui.takeBackButton.enabled
    press(*(UNDO_KEYS[0] if isOpen else UNDO_KEYS[1]))
    assert np.array_equal(a_review.mask(), before)


def test_closing_the_scene_lets_everything_go(a_slicer: ModuleType, a_review: Reviewed, an_open_editor: Any) -> None:
    paint(a_review, editor=an_open_editor)
    a_slicer.mrmlScene.Clear()
    pythonqt.processEvents(SETTLED)
    ui = a_review.widget.ui
    assert an_open_editor.segmentationNode() is None
    assert not ui.takeBackButton.enabled
    assert not ui.correctCollapsibleButton.enabled
    again = addResults(a_review.widget)
    assert an_open_editor.segmentationNode() is again.segmentation
    assert an_open_editor.currentSegmentID() == again.segmentIds[0]
    assert a_slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 1


def test_other_segmentation_is_no_longer_watched(a_slicer: ModuleType, a_review: Reviewed) -> None:
    second = addResults(a_review.widget, ("kidney",), addImage("mr"))
    mask = a_review.mask()
    mask[:, 0] = 1
    set_segment_mask(a_review.segmentation, a_review.segmentIds[0], mask, a_review.volumeNode)
    pythonqt.processEvents(SETTLED)
    assert tags(a_review) == {"MedCLIPSeg.Edited": "0"}
    assert a_review.widget.logic.segmentationNode is second.segmentation


def tags(a_review: Reviewed) -> dict[str, str]:
    import vtk

    segment = a_review.segmentation.GetSegmentation().GetSegment(a_review.segmentIds[0])
    value = vtk.reference("")
    return {"MedCLIPSeg.Edited": str(value)} if segment.GetTag("MedCLIPSeg.Edited", value) else {}


def test_works_without_a_main_window(an_app_without_main_window: ModuleType, pump: Pump) -> None:
    widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
    reviewed = addResults(widget)
    widget.logic.saveStateForUndo(reviewed.segmentation)
    paint(reviewed)
    pump(lambda: reviewed.state() == "edited", 5)
    widget.ui.correctCollapsibleButton.collapsed = False
    widget.ui.takeBackButton.click()
    assert reviewed.state() == "done"
    widget.exit()


def test_panel_goes_away_with_an_editor(a_slicer: ModuleType, a_module_widget: Any) -> None:
    reviewed = addResults(a_module_widget)
    a_module_widget.ui.correctCollapsibleButton.collapsed = False
    pythonqt.processEvents(50)
    paint(reviewed)
    slicerhost.resetApplication()
    assert tags(reviewed) == {"MedCLIPSeg.Edited": "1"}
    reviewed.segmentation.GetSegmentation().GetSegment(reviewed.segmentIds[0]).SetTag("MedCLIPSeg.Edited", "0")
    pythonqt.processEvents(SETTLED)
    assert tags(reviewed) == {"MedCLIPSeg.Edited": "0"}
    assert a_module_widget.panel is None
