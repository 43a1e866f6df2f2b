"""The tables of segments and slices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import vtk
from PySide6.QtCore import Qt
from review_samples import MOST_UNCERTAIN_FIRST, SHAPE, Reviewed, addImage, addResults, paint, press

from MedCLIPSegLogic.scene import review
from MedCLIPSegLogic.scene.map_volumes import UNCERTAINTY, find_map
from MedCLIPSegLogic.scene.segmentation import set_segment_mask
from MedCLIPSegLogic.scene.views import shown_slice

Pump = Callable[..., None]
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def a_review(a_module_widget: Any, pump: Pump) -> Reviewed:
    reviewed = addResults(a_module_widget)
    wait(reviewed, pump)
    return reviewed


def wait(reviewed: Reviewed, pump: Pump) -> None:
    """Until both tables are filled."""
    ui = reviewed.widget.ui
    pump(lambda: ui.sliceTable.rowCount > 0 and "…" not in str(texts(ui.statisticsTable)), 10)


def texts(table: Any) -> list[list[str]]:
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Segments a function of the scene layer is asked about from now on."""
    asked: list[str] = []
    measure = getattr(review, name)

    def count(segmentation: Any, segmentId: str, *rest: Any) -> Any:
        asked.append(segmentId)
        return measure(segmentation, segmentId, *rest)

    monkeypatch.setattr(review, name, count)
    return asked


def test_statistics_of_each_segment(a_slicer: ModuleType, a_review: Reviewed) -> None:
    table = texts(a_review.widget.ui.statisticsTable)
    assert [row[0] for row in table] == ["liver", "spleen"]
    voxels = int(a_review.mask().sum())
    assert voxels == 4 * 10 * 6
    uncertainty = a_slicer.util.arrayFromVolume(find_map(a_slicer.mrmlScene, a_review.volumeNode, "liver", UNCERTAINTY))
    assert table[0][1:3] == ["open", f"{voxels / 1000:.3g} ml"]
    assert float(table[0][3]) == pytest.approx(uncertainty[a_review.mask() > 0].mean(), abs=5e-4)


def test_clicking_a_segment_selects_its_row(a_review: Reviewed) -> None:
    a_review.widget.ui.statisticsTable.cellClicked(1, 0)
    assert a_review.widget.logic.parameters.currentRow == 1
    pythonqt.processEvents(50)
    assert a_review.widget.ui.statisticsTable.currentRow() == 1


def test_size_of_a_picture_is_in_pixels(a_module_widget: Any, pump: Pump) -> None:
    node = addImage("photo", (1, 20, 24))
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    reviewed = addResults(a_module_widget, ("mole",), node)
    wait(reviewed, pump)
    assert texts(a_module_widget.ui.statisticsTable)[0][2] == "60 pixels"


def test_segment_without_a_map_has_only_a_size(a_slicer: ModuleType, a_review: Reviewed, pump: Pump) -> None:
    a_slicer.mrmlScene.RemoveNode(find_map(a_slicer.mrmlScene, a_review.volumeNode, "liver", UNCERTAINTY))
    a_review.widget.logic.changed()
    pump(lambda: texts(a_review.widget.ui.statisticsTable)[0] == ["liver", "open", "0.24 ml", "–"], 10)
    assert a_review.widget.ui.sliceTable.rowCount == 0
    assert not a_review.widget.ui.nextUncertainButton.enabled


def test_slices_most_uncertain_first(a_review: Reviewed) -> None:
    table = texts(a_review.widget.ui.sliceTable)
    assert [int(row[0]) for row in table] == [index + 1 for index in MOST_UNCERTAIN_FIRST]
    undecided = [float(row[1]) for row in table]
    assert undecided == sorted(undecided, reverse=True)
    assert {row[2] for row in table} == {"0%"}


def test_next_and_previous_walk_the_list(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui

    def inView() -> int | None:
        return shown_slice(a_slicer.mrmlScene, a_review.volumeNode, 0)

    assert ui.nextUncertainButton.enabled
    assert not ui.previousUncertainButton.enabled
    for index in MOST_UNCERTAIN_FIRST:
        ui.nextUncertainButton.click()
        assert inView() == index
    assert not ui.nextUncertainButton.enabled
    ui.previousUncertainButton.click()
    assert inView() == MOST_UNCERTAIN_FIRST[-2]
    assert ui.sliceTable.currentRow() == len(MOST_UNCERTAIN_FIRST) - 2
    ui.sliceTable.cellClicked(0, 0)
    assert inView() == MOST_UNCERTAIN_FIRST[0]
    assert not ui.previousUncertainButton.enabled


def markers(slicer: ModuleType) -> list[Any]:
    return list(slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode"))


def test_keys_walk_with_one_mark_in_all_views(a_slicer: ModuleType, a_review: Reviewed) -> None:
    matrix = vtk.vtkMatrix4x4()
    a_review.volumeNode.GetIJKToRASMatrix(matrix)
    for modifier, index in (*((NONE, index) for index in MOST_UNCERTAIN_FIRST), (SHIFT, MOST_UNCERTAIN_FIRST[-2])):
        press(Qt.Key.Key_N, modifier)
        [marker] = markers(a_slicer)
        point = [0.0, 0.0, 0.0]
        marker.GetNthControlPointPositionWorld(0, point)
        middle = matrix.MultiplyPoint((4.5, 8.5, index, 1))[:3]  # of the box of the first prompt
        assert point == pytest.approx(middle)
        assert marker.GetNumberOfControlPoints() == 1
        for view in a_slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            toSlice = vtk.vtkMatrix4x4()
            vtk.vtkMatrix4x4.Invert(view.GetSliceToRAS(), toSlice)
            across, down, distance, _one = toSlice.MultiplyPoint((*point, 1))
            assert distance == pytest.approx(0, abs=1e-6)
            assert max(abs(across), abs(down)) <= max(view.GetFieldOfView()[:2]) / 2
    for _time in range(3):
        press(Qt.Key.Key_N)
    assert "no other uncertain place" in a_review.widget.ui.statusLabel.text


@pytest.mark.parametrize("ending", ["another row", "closed section", "another module", "closed scene"])
def test_mark_goes_with_the_walk(a_slicer: ModuleType, a_review: Reviewed, ending: str) -> None:
    count = a_slicer.mrmlScene.GetNumberOfNodes()
    press(Qt.Key.Key_N)
    assert len(markers(a_slicer)) == 1
    if ending == "another row":
        a_review.widget.logic.parameters.currentRow = 1
        pythonqt.processEvents(100)
    elif ending == "closed section":
        a_review.widget.ui.reviewCollapsibleButton.collapsed = True
    elif ending == "another module":
        a_slicer.util.selectModule("Volumes")
    else:
        a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(50)
    assert markers(a_slicer) == []
    if ending != "closed scene":
        assert a_slicer.mrmlScene.GetNumberOfNodes() == count


def test_mark_is_not_saved(a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path) -> None:
    press(Qt.Key.Key_N)
    assert a_slicer.util.saveScene(str(tmp_path / "scene.mrml"))
    text = (tmp_path / "scene.mrml").read_text(encoding="utf-8")
    assert "SegmentationDisplay" in text
    assert "PlaceMarker" not in text
    assert "<MarkupsFiducialDisplay" not in text


def test_key_opens_the_section(a_review: Reviewed, pump: Pump) -> None:
    ui = a_review.widget.ui
    ui.reviewCollapsibleButton.collapsed = True
    press(Qt.Key.Key_N)
    assert not ui.reviewCollapsibleButton.collapsed
    ui.promptLineEdit.setFocus()
    press(Qt.Key.Key_N, target=pythonqt.unwrap(ui.promptLineEdit))
    assert ui.promptLineEdit.text == "n"  # who types does not walk
    assert ui.sliceTable.currentRow() == -1


def test_arrow_keys_move_the_views(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_review.widget.ui.sliceTable.setCurrentCell(2, 0)
    assert shown_slice(a_slicer.mrmlScene, a_review.volumeNode, 0) == MOST_UNCERTAIN_FIRST[2]


def test_place_stays_when_the_segment_changes(a_review: Reviewed, pump: Pump) -> None:
    ui = a_review.widget.ui
    ui.nextUncertainButton.click()
    ui.nextUncertainButton.click()
    before = texts(ui.sliceTable)
    mask = a_review.mask()
    mask[:, :, 5:] = 0
    set_segment_mask(a_review.segmentation, a_review.segmentIds[0], mask, a_review.volumeNode)
    a_review.widget.logic.changed()
    pump(lambda: texts(ui.sliceTable) != before, 10)
    shownSlice = ui.sliceTable.item(ui.sliceTable.currentRow(), 0).text()
    assert shownSlice == str(MOST_UNCERTAIN_FIRST[1] + 1)
    a_review.widget.logic.parameters.currentRow = 1
    pump(lambda: not ui.previousUncertainButton.enabled, 10)
    assert ui.sliceTable.currentRow() == -1


def test_measured_only_while_open(a_module_widget: Any, monkeypatch: pytest.MonkeyPatch, pump: Pump) -> None:
    slices, statistics = counted(monkeypatch, "uncertain_stops"), counted(monkeypatch, "segment_statistics")
    reviewed = addResults(a_module_widget)
    wait(reviewed, pump)
    assert (slices, statistics) == ([reviewed.segmentIds[0]], list(reviewed.segmentIds))
    a_module_widget.ui.reviewCollapsibleButton.collapsed = True
    a_module_widget.logic.parameters.currentRow = 1
    paint(reviewed, 1)
    a_module_widget.logic.changed()
    pythonqt.processEvents(100)
    assert (len(slices), len(statistics)) == (1, 2)
    a_module_widget.ui.reviewCollapsibleButton.collapsed = False
    pump(lambda: len(slices) == 2, 10)
    assert slices[-1] == reviewed.segmentIds[1]


def test_not_measured_again_without_a_change(a_review: Reviewed, monkeypatch: pytest.MonkeyPatch, pump: Pump) -> None:
    slices, statistics = counted(monkeypatch, "uncertain_stops"), counted(monkeypatch, "segment_statistics")
    for _time in range(3):
        a_review.widget.logic.changed()
        pythonqt.processEvents(50)
    a_review.widget.logic.parameters.overlayOpacity = 0.3
    pythonqt.processEvents(50)
    assert (slices, statistics) == ([], [])


def test_not_measured_while_results_are_written(
    a_review: Reviewed, monkeypatch: pytest.MonkeyPatch, pump: Pump
) -> None:
    slices, statistics = counted(monkeypatch, "uncertain_stops"), counted(monkeypatch, "segment_statistics")
    a_review.widget.logic.runControl.state = "writing"
    paint(a_review)
    a_review.widget.logic.changed()
    pythonqt.processEvents(100)
    a_review.widget.logic.runControl.state = "idle"
    assert (slices, statistics) == ([], [])
    a_review.widget.logic.changed()
    pump(lambda: bool(slices) and bool(statistics), 10)


def test_tables_are_empty_without_results(a_slicer: ModuleType, a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    a_slicer.mrmlScene.Clear()
    pythonqt.processEvents(50)
    assert (ui.sliceTable.rowCount, ui.statisticsTable.rowCount) == (0, 0)
    assert not ui.nextUncertainButton.enabled
    assert not ui.previousUncertainButton.enabled


def test_empty_segment_is_listed(a_slicer: ModuleType, a_review: Reviewed, pump: Pump) -> None:
    empty = np.zeros(SHAPE, np.uint8)
    set_segment_mask(a_review.segmentation, a_review.segmentIds[0], empty, a_review.volumeNode)
    a_review.widget.logic.changed()
    pump(lambda: texts(a_review.widget.ui.statisticsTable)[0][2] == "0 ml", 10)
    pump(lambda: {row[2] for row in texts(a_review.widget.ui.sliceTable)} == {"100%"}, 10)
