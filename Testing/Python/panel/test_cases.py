"""A list of cases, worked off by keys and clicks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pythonqt
import SimpleITK as sitk
from full_disk import full_disk
from prompt_keys import key
from PySide6.QtCore import Qt
from review_samples import SHAPE, addResults, press, writeResults
from slicerhost import dialogs

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLogic.desk.review import Review, now
from MedCLIPSegLogic.desk.standing import Standing
from MedCLIPSegLogic.desk.state_file import StateFile
from MedCLIPSegLogic.knowledge.verdict import Verdict
from MedCLIPSegLogic.scene.export import save_scene
from MedCLIPSegLogic.scene.segmentation import segment_mask, set_segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

Pump = Callable[..., None]
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
FOUND = Verdict("found", "It is there.", expected_dice=0.9)
DOUBTFUL = Verdict("doubtful", "It is odd.", expected_dice=0.6)


@pytest.fixture
def a_folder(tmp_path: Path) -> Path:
    """Two images without results."""
    folder = tmp_path / "cases"
    folder.mkdir()
    for number, name in enumerate(("a.nrrd", "b.nrrd")):
        voxels = np.random.default_rng(number).normal(100, 20, SHAPE).astype(np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(folder / name))
    return folder


@pytest.fixture
def with_results(a_slicer: ModuleType, a_folder: Path) -> Path:
    """The images, and results of the command line for a third, whose scene holds no choices of a panel."""
    result = a_folder / "c"
    result.mkdir()
    session = create_scene()
    node = add_volume_node(session.scene, Volume(np.zeros(SHAPE, np.float32), np.diag([-1.0, -1, 1, 1]), "c"))
    writeResults(node, ("liver", "spleen"), (FOUND, DOUBTFUL), scene=session.scene)
    save_scene(session.scene, result / "scene.mrb")
    told = [{"prompt": "liver", **FOUND.record()}, {"prompt": "spleen", **DOUBTFUL.record()}]
    (result / "run.json").write_text(json.dumps({"results": told}), encoding="utf-8")
    return a_folder


def choose(widget: Any, folder: Path) -> None:
    widget.ui.casesCollapsibleButton.collapsed = False
    widget.ui.casesFolderButton.directory = str(folder)
    widget.ui.reviewerLineEdit.text = "Ann"
    widget.ui.reviewerLineEdit.editingFinished()
    pythonqt.processEvents(50)


def rows(widget: Any) -> list[list[str]]:
    table = widget.ui.casesTable
    return [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]


def pressed(which: Qt.Key, modifier: Any = NONE) -> None:
    press(which, modifier)
    pythonqt.processEvents(100)


def image(widget: Any) -> str:
    node = widget.logic.volumeNode
    return str(node.GetName()) if node is not None else ""


def showCases(widget: Any, name: str) -> None:
    combo = widget.ui.casesFilterComboBox
    combo.currentIndex = combo.findData(name)


def test_list_tells_state_verdict_and_quality(a_module_widget: Any, with_results: Path) -> None:
    choose(a_module_widget, with_results)
    assert rows(a_module_widget) == [
        ["a.nrrd", "open", "–", "–"],
        ["b.nrrd", "open", "–", "–"],
        ["c", "open", "doubtful", "0.60"],
    ]
    assert a_module_widget.ui.casesStatusLabel.text == "0 of 3 cases reviewed; 3 shown."
    order = a_module_widget.ui.casesOrderComboBox
    order.currentIndex = order.findData("quality")
    assert [row[0] for row in rows(a_module_widget)] == ["c", "a.nrrd", "b.nrrd"]
    showCases(a_module_widget, "flagged")
    assert [row[0] for row in rows(a_module_widget)] == ["c"]


def test_key_opens_one_case_after_the_other_and_takes_prompts_along(a_module_widget: Any, a_folder: Path) -> None:
    choose(a_module_widget, a_folder)
    pressed(Qt.Key.Key_C)
    assert image(a_module_widget) == "a"
    a_module_widget.logic.rows.add(["liver"])
    a_module_widget.logic.parameters.sampleCount = 7
    for expected, modifier in (("b", NONE), ("a", NONE), ("b", SHIFT)):
        pressed(Qt.Key.Key_C, modifier)
        assert image(a_module_widget) == expected
        assert [row.prompt for row in a_module_widget.logic.rows] == ["liver"]
        assert a_module_widget.logic.parameters.sampleCount == 7
    assert not (a_folder / "medclipseg-review").exists()  # nothing was done
    assert dialogs.texts() == []


def test_state_is_kept_at_once_and_comes_back(
    a_slicer: ModuleType, a_module_widget: Any, with_results: Path, pump: Pump
) -> None:
    choose(a_module_widget, with_results)
    table = a_module_widget.ui.casesTable
    table.setCurrentCell(2, 0)
    key(table, Qt.Key.Key_Return)
    logic = a_module_widget.logic
    assert [row.prompt for row in logic.rows] == ["liver", "spleen"]
    assert logic.currentRow.prompt == "liver"
    pressed(Qt.Key.Key_A)
    assert rows(a_module_widget)[2][1] == "open"  # one segment is left
    for expected in ("accepted", "open", "accepted"):  # taken back, and given again
        pressed(Qt.Key.Key_A, SHIFT)
        assert rows(a_module_widget)[2] == ["c", expected, "doubtful", "0.60"]
    assert [path.name for path in (with_results / "medclipseg-review").iterdir()] == ["states.json"]
    pressed(Qt.Key.Key_C)
    assert image(a_module_widget) == "a"
    pressed(Qt.Key.Key_C, SHIFT)
    assert image(a_module_widget) == "c"
    pump(lambda: a_module_widget.ui.reviewStateLabel.text.startswith("Accepted by Ann"), 5)
    before = (with_results / "c" / "scene.mrb").read_bytes()
    a_slicer.mrmlScene.Clear(0)
    assert (with_results / "c" / "scene.mrb").read_bytes() == before


def test_looking_at_results_writes_nothing(a_module_widget: Any, with_results: Path) -> None:
    choose(a_module_widget, with_results)
    showCases(a_module_widget, "flagged")
    pressed(Qt.Key.Key_C)
    showCases(a_module_widget, "all")
    pressed(Qt.Key.Key_C)
    assert image(a_module_widget) == "a"
    assert not (with_results / "medclipseg-review").exists()


def test_edits_are_kept_beside_the_results_before_the_judgment(a_module_widget: Any, with_results: Path) -> None:
    choose(a_module_widget, with_results)
    showCases(a_module_widget, "flagged")
    pressed(Qt.Key.Key_C)
    logic = a_module_widget.logic
    segmentId = logic.segmentOf(logic.currentRow)
    mask = segment_mask(logic.segmentationNode, segmentId, logic.volumeNode)
    mask[0] = 1
    set_segment_mask(logic.segmentationNode, segmentId, mask, logic.volumeNode)
    pressed(Qt.Key.Key_A, SHIFT)
    kept = sorted(path.name for path in (with_results / "medclipseg-review").iterdir())
    assert len(kept) == 2
    assert kept[0].startswith("c-")
    assert kept[0].endswith(".mrb")
    showCases(a_module_widget, "all")
    assert rows(a_module_widget)[2][1] == "corrected"
    pressed(Qt.Key.Key_C)
    pressed(Qt.Key.Key_C, SHIFT)
    segmentId = logic.segmentOf(logic.currentRow)
    np.testing.assert_array_equal(segment_mask(logic.segmentationNode, segmentId, logic.volumeNode), mask)
    assert logic.mapOf(logic.currentRow, "Uncertainty") is not None


def test_new_results_of_an_image_are_kept_when_it_is_left(a_module_widget: Any, a_folder: Path) -> None:
    choose(a_module_widget, a_folder)
    pressed(Qt.Key.Key_C)
    logic = a_module_widget.logic
    addResults(a_module_widget, ("liver",), logic.volumeNode, (DOUBTFUL,))
    pressed(Qt.Key.Key_C)
    assert rows(a_module_widget)[0] == ["a.nrrd", "open", "doubtful", "0.60"]
    pressed(Qt.Key.Key_C)
    assert logic.stateOf(logic.rows[0]) == "done"


def test_what_others_write_is_followed_and_never_lost(a_module_widget: Any, with_results: Path) -> None:
    choose(a_module_widget, with_results)
    showCases(a_module_widget, "flagged")
    pressed(Qt.Key.Key_C)
    pressed(Qt.Key.Key_A, SHIFT)
    file = StateFile(with_results)
    liver = file.read()["c"]["liver"]
    other = Review("rejected", "Bob", now(), "leaks", liver.mask)
    file.add("c", {"liver": Standing(liver.mask, reviews=(other,))})
    a_module_widget.logic.changed()
    pythonqt.processEvents(50)
    assert rows(a_module_widget)[0][1] == "rejected (!)"
    assert "Bob" in a_module_widget.ui.casesTable.item(0, 1).toolTip()
    showCases(a_module_widget, "disputed")
    assert len(rows(a_module_widget)) == 1
    pressed(Qt.Key.Key_X, SHIFT)
    reviews = file.read()["c"]["liver"].reviews
    assert [(review.reviewer, review.state) for review in reviews] == [("Ann", "rejected"), ("Bob", "rejected")]
    assert rows(a_module_widget) == []


def test_next_case_of_a_filter_follows_the_one_that_left_it(a_module_widget: Any, with_results: Path) -> None:
    choose(a_module_widget, with_results)
    showCases(a_module_widget, "unreviewed")
    key(a_module_widget.ui.casesTable, Qt.Key.Key_End)
    a_module_widget.ui.casesTable.cellDoubleClicked(2, 0)
    pressed(Qt.Key.Key_X, SHIFT)
    assert [row[0] for row in rows(a_module_widget)] == ["a.nrrd", "b.nrrd"]
    pressed(Qt.Key.Key_C, SHIFT)
    assert image(a_module_widget) == "b"
    showCases(a_module_widget, "accepted")
    pressed(Qt.Key.Key_C)
    assert "no other case" in a_module_widget.ui.statusLabel.text


def test_a_scene_that_is_no_case_is_closed_only_when_told(
    a_slicer: ModuleType, a_module_widget: Any, a_folder: Path
) -> None:
    import qt

    node = addResults(a_module_widget).volumeNode
    choose(a_module_widget, a_folder)
    dialogs.answerNext(qt.QMessageBox.Cancel)
    pressed(Qt.Key.Key_C)
    assert a_module_widget.logic.volumeNode is node
    dialogs.answerNext(qt.QMessageBox.Ok)
    pressed(Qt.Key.Key_C)
    assert image(a_module_widget) == "a"
    assert "what is not saved is lost" in dialogs.texts()[0]


def test_no_case_is_opened_during_a_run(a_module_widget: Any, a_folder: Path) -> None:
    choose(a_module_widget, a_folder)
    a_module_widget.logic.runControl.state = "running"
    pressed(Qt.Key.Key_C)
    a_module_widget.logic.runControl.state = "idle"
    assert "still under way" in a_module_widget.ui.statusLabel.text
    assert image(a_module_widget) == ""


def test_what_cannot_be_kept_or_read_is_said(a_module_widget: Any, with_results: Path) -> None:
    choose(a_module_widget, with_results)
    showCases(a_module_widget, "flagged")
    pressed(Qt.Key.Key_C)
    with full_disk():
        pressed(Qt.Key.Key_A, SHIFT)
    assert "states.json cannot be written" in a_module_widget.ui.statusLabel.text
    assert a_module_widget.ui.acceptButton.checked  # it is in the scene
    (with_results / "a.nrrd").write_text("no image")
    showCases(a_module_widget, "all")
    pressed(Qt.Key.Key_C)
    assert "a.nrrd” cannot be opened" in a_module_widget.ui.statusLabel.text
    assert rows(a_module_widget)[2][1] == "accepted"  # the case was kept before


def test_a_damaged_file_of_states_is_said_in_the_list(a_module_widget: Any, a_folder: Path) -> None:
    (a_folder / "medclipseg-review").mkdir()
    (a_folder / "medclipseg-review" / "states.json").write_text("{")
    choose(a_module_widget, a_folder)
    assert "states.json is not readable JSON" in a_module_widget.ui.casesStatusLabel.text
    assert rows(a_module_widget) == []


def test_series_of_the_dicom_database_are_cases(
    a_slicer: ModuleType, a_module_widget: Any, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database and its loader are the application's: doubles here."""
    modality = {"1.1": "MR", "1.2": "SEG"}
    (a_folder / "ctkDICOM.sql").write_bytes(b"")
    database = SimpleNamespace(
        isOpen=True,
        databaseFilename=str(a_folder / "ctkDICOM.sql"),
        patients=lambda: ("7",),
        nameForPatient=lambda patient: "Ray^Ann",
        studiesForPatient=lambda patient: ("1",),
        seriesForStudy=lambda study: ("1.1", "1.2", "1.3"),
        filesForSeries=lambda series: () if series == "1.3" else (series,),
        fileValue=lambda file, tag: modality[file],
        descriptionForSeries=lambda series: "T1",
    )
    monkeypatch.setattr(a_slicer, "dicomDatabase", database, raising=False)
    loaded: list[list[str]] = []

    def load(uids: list[str]) -> list[str]:
        loaded.append(uids)
        return [a_slicer.util.loadVolume(str(a_folder / "a.nrrd")).GetID()]

    library = SimpleNamespace(DICOMUtils=SimpleNamespace(loadSeriesByUID=load))
    monkeypatch.setitem(sys.modules, "DICOMLib", library)
    a_module_widget.exit()
    a_module_widget.enter()
    ui = a_module_widget.ui
    ui.casesCollapsibleButton.collapsed = False
    ui.casesSourceComboBox.currentIndex = ui.casesSourceComboBox.findData("database")
    assert [row[0] for row in rows(a_module_widget)] == ["Ray Ann – T1"]
    assert not ui.casesFolderButton.isVisible()
    pressed(Qt.Key.Key_C)
    assert (loaded, image(a_module_widget)) == ([["1.1"]], "a")


def test_without_a_folder_the_key_says_what_to_do(a_module_widget: Any) -> None:
    pressed(Qt.Key.Key_C)
    assert not a_module_widget.ui.casesCollapsibleButton.collapsed
    assert a_module_widget.ui.casesStatusLabel.text == "Choose the folder with images or results."
