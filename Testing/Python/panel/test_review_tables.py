"""The tables of segments and slices."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
from review_samples import MOST_UNCERTAIN_FIRST, SHAPE, Reviewed, addImage, addResults, paint

from MedCLIPSegLogic.scene import review
from MedCLIPSegLogic.scene.map_volumes import UNCERTAINTY, find_map
from MedCLIPSegLogic.scene.views import shown_slice

Pump = Callable[..., None]


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
    assert table[0][1] == f"{voxels / 1000:.3g} ml"
    assert float(table[0][2]) == pytest.approx(uncertainty[a_review.mask() > 0].mean(), abs=5e-4)
    assert 0 < float(table[0][3]) < 0.694


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
    assert texts(a_module_widget.ui.statisticsTable)[0][1] == "60 pixels"


def test_segment_without_a_map_has_only_a_size(a_slicer: ModuleType, a_review: Reviewed, pump: Pump) -> None:
    a_slicer.mrmlScene.RemoveNode(find_map(a_slicer.mrmlScene, a_review.volumeNode, "liver", UNCERTAINTY))
    a_review.widget.logic.changed()
    pump(lambda: texts(a_review.widget.ui.statisticsTable)[0] == ["liver", "0.24 ml", "–", "–"], 10)
    assert a_review.widget.ui.sliceTable.rowCount == 0
    assert not a_review.widget.ui.nextUncertainButton.enabled


def test_slices_most_uncertain_first(a_review: Reviewed) -> None:
    table = texts(a_review.widget.ui.sliceTable)
    assert [int(row[0]) for row in table] == [index + 1 for index in MOST_UNCERTAIN_FIRST]
    boundaries = [float(row[2]) for row in table]
    assert boundaries == sorted(boundaries, reverse=True)


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


def test_arrow_keys_move_the_views(a_slicer: ModuleType, a_review: Reviewed) -> None:
    a_review.widget.ui.sliceTable.setCurrentCell(2, 0)
    assert shown_slice(a_slicer.mrmlScene, a_review.volumeNode, 0) == MOST_UNCERTAIN_FIRST[2]


def test_place_stays_when_the_segment_changes(a_review: Reviewed, pump: Pump) -> None:
    ui = a_review.widget.ui
    ui.nextUncertainButton.click()
    ui.nextUncertainButton.click()
    before = texts(ui.sliceTable)
    paint(a_review)
    a_review.widget.logic.changed()
    pump(lambda: texts(ui.sliceTable) != before, 10)
    shownSlice = ui.sliceTable.item(ui.sliceTable.currentRow(), 0).text()
    assert shownSlice == str(MOST_UNCERTAIN_FIRST[1] + 1)
    a_review.widget.logic.parameters.currentRow = 1
    pump(lambda: not ui.previousUncertainButton.enabled, 10)
    assert ui.sliceTable.currentRow() == -1


def test_measured_only_while_open(a_module_widget: Any, monkeypatch: pytest.MonkeyPatch, pump: Pump) -> None:
    slices, statistics = counted(monkeypatch, "slice_uncertainties"), counted(monkeypatch, "segment_statistics")
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
    slices, statistics = counted(monkeypatch, "slice_uncertainties"), counted(monkeypatch, "segment_statistics")
    for _time in range(3):
        a_review.widget.logic.changed()
        pythonqt.processEvents(50)
    a_review.widget.logic.parameters.overlayOpacity = 0.3
    pythonqt.processEvents(50)
    assert (slices, statistics) == ([], [])


def test_not_measured_while_results_are_written(
    a_review: Reviewed, monkeypatch: pytest.MonkeyPatch, pump: Pump
) -> None:
    slices, statistics = counted(monkeypatch, "slice_uncertainties"), counted(monkeypatch, "segment_statistics")
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
    from MedCLIPSegLogic.scene.segmentation import set_segment_mask

    empty = np.zeros(SHAPE, np.uint8)
    set_segment_mask(a_review.segmentation, a_review.segmentIds[0], empty, a_review.volumeNode)
    a_review.widget.logic.changed()
    pump(lambda: texts(a_review.widget.ui.statisticsTable)[0][1] == "0 ml", 10)
    pump(lambda: a_review.widget.ui.sliceTable.rowCount == SHAPE[0], 10)
