"""The Export section in the panel: choices, files and training sets."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import pythonqt
import qt
from review_samples import Reviewed, addImage, addResults, paint

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.volumes.readers import read_volume


@pytest.fixture
def a_review(a_module_widget: Any) -> Reviewed:
    return addResults(a_module_widget)


def texts(ui: Any) -> list[str]:
    return [ui.exportSegmentsList.item(index).text() for index in range(ui.exportSegmentsList.count)]


def setTick(ui: Any, index: int, isTicked: bool) -> None:
    ui.exportSegmentsList.item(index).setCheckState(qt.Qt.Checked if isTicked else qt.Qt.Unchecked)
    pythonqt.processEvents(20)


def export(ui: Any, folder: Path) -> str:
    ui.exportFolderButton.directory = str(folder)
    ui.exportButton.click()
    assert not ui.exportButton.enabled
    pythonqt.runEventLoop(lambda: bool(ui.exportButton.enabled), 60)
    return str(ui.exportStatusLabel.text)


def test_nothing_to_export(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    assert not ui.exportCollapsibleButton.enabled
    assert not ui.exportButton.enabled
    assert not ui.addTrainingRowButton.enabled
    assert texts(ui) == []


def test_ticked_segments_are_written(a_review: Reviewed, tmp_path: Path) -> None:
    ui = a_review.widget.ui
    assert texts(ui) == ["liver", "spleen"]
    setTick(ui, 0, False)
    ui.exportNiftiCheckBox.checked = True
    ui.exportMapsCheckBox.checked = True
    said = export(ui, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"ct.seg.nrrd", "ct-labels.nii.gz", "spleen.probability.nii.gz", "export.json"} <= names
    assert not [name for name in names if name.startswith("liver")]
    assert said == f"{len(names)} files written to {tmp_path / 'out'}."
    assert np.array_equal(read_volume(tmp_path / "out" / "ct-labels.nii.gz").voxels, a_review.mask(1))


def test_export_needs_a_tick_of_each_kind_and_no_run(a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    assert ui.exportButton.enabled
    for box in ("Segmentation", "Nifti", "Nrrd", "Surface", "Maps"):
        getattr(ui, f"export{box}CheckBox").checked = False
    pythonqt.processEvents(20)
    assert not ui.exportButton.enabled
    ui.exportSurfaceCheckBox.checked = True
    pythonqt.processEvents(20)
    assert ui.exportButton.enabled
    setTick(ui, 0, False)
    assert ui.exportButton.enabled
    setTick(ui, 1, False)
    assert not ui.exportButton.enabled
    setTick(ui, 1, True)
    a_review.widget.logic.runControl.state = "running"
    a_review.widget.panel.refresh()
    assert not ui.exportButton.enabled
    assert not ui.addTrainingRowButton.enabled
    a_review.widget.logic.runControl.state = "idle"
    a_review.widget.panel.refresh()
    assert ui.exportButton.enabled


def test_ticks_stay_when_segments_come_and_are_renamed(a_review: Reviewed) -> None:
    ui = a_review.widget.ui
    setTick(ui, 0, False)
    segmentation = a_review.segmentation.GetSegmentation()
    segmentation.AddEmptySegment("", "drawn")
    segmentation.GetNthSegment(0).SetName("Leber | 肾")
    a_review.widget.panel.refresh()
    assert texts(ui) == ["Leber | 肾", "spleen", "drawn"]
    states = [ui.exportSegmentsList.item(index).checkState() for index in range(3)]
    assert states == [qt.Qt.Unchecked, qt.Qt.Checked, qt.Qt.Checked]
    addResults(a_review.widget, ("kidney",), addImage("mr"))
    assert texts(ui) == ["kidney"]


def test_earlier_export_is_replaced_only_when_confirmed(a_review: Reviewed, tmp_path: Path) -> None:
    ui, questions = a_review.widget.ui, list[str]()

    def answer(isYes: bool) -> None:
        def confirm(question: str) -> bool:
            questions.append(question)
            return isYes

        a_review.widget.logic.confirm = confirm

    answer(False)
    export(ui, tmp_path)
    assert questions == []
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    ui.exportSurfaceCheckBox.checked = True
    assert export(ui, tmp_path) == "Nothing was exported; choose another folder."
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert "ct.seg.nrrd" in questions[0]
    answer(True)
    assert "files written" in export(ui, tmp_path)
    assert {"liver.stl", "spleen.stl", "ct.seg.nrrd"} <= {path.name for path in tmp_path.iterdir()}


def test_errors_are_shown_in_the_section(a_review: Reviewed, tmp_path: Path) -> None:
    (tmp_path / "ct.seg.nrrd").write_text("mine")
    assert "ct.seg.nrrd" in export(a_review.widget.ui, tmp_path)
    assert (tmp_path / "ct.seg.nrrd").read_text() == "mine"


def test_folders_are_remembered(a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path) -> None:
    ui = a_review.widget.ui
    export(ui, tmp_path / "out")
    ui.trainingFolderButton.directory = str(tmp_path / "set")
    ui.addTrainingRowButton.click()
    settings = qt.QSettings() if not hasattr(a_slicer.app, "settings") else a_slicer.app.settings()
    assert settings.value("MedCLIPSeg/ExportFolder") == str(tmp_path / "out")
    assert settings.value("MedCLIPSeg/TrainingFolder") == str(tmp_path / "set")


def test_corrected_segment_becomes_a_training_row(a_review: Reviewed, tmp_path: Path) -> None:
    ui = a_review.widget.ui
    assert [ui.trainingSplitComboBox.itemText(index) for index in range(3)] == ["Train", "Val", "Test"]
    a_review.widget.logic.parameters.currentRow = 1
    pythonqt.processEvents(50)
    paint(a_review, 1)
    ui.trainingFolderButton.directory = str(tmp_path / "set")
    ui.trainingSplitComboBox.currentIndex = 1
    ui.addTrainingRowButton.click()
    sheet = tmp_path / "set" / "Prompts_Folder" / "Val_text.csv"
    assert ui.exportStatusLabel.text == f"“spleen” was added to {sheet}."
    [row] = read_sheet(sheet)
    assert row.description == "spleen"
    image = read_volume(tmp_path / "set" / "Val_Folder" / "img" / row.image)
    truth = read_truth(tmp_path / "set" / "Val_Folder" / "label" / row.ground_truth, row.label_values, image)
    assert np.array_equal(truth, a_review.mask(1) > 0)
    record = json.loads((tmp_path / "set" / "Val_Folder" / "record" / "ct.json").read_text(encoding="utf-8"))
    [segment] = record["segments"]
    assert (segment["prompt"], segment["edited"], segment["samples"], segment["seed"]) == ("spleen", True, 30, 5)
    assert segment["files"] == [f"Val_Folder/img/{row.image}", f"Val_Folder/label/{row.ground_truth}"]


def test_row_without_a_result_cannot_be_added(a_review: Reviewed) -> None:
    a_review.widget.logic.rows.add(["unicorn"])
    a_review.widget.logic.parameters.currentRow = 2
    pythonqt.processEvents(50)
    assert not a_review.widget.ui.addTrainingRowButton.enabled
    assert a_review.widget.ui.exportButton.enabled


def beginExport(a_review: Reviewed, folder: Path) -> None:
    """Everything there is, up to the first files in the hidden folder."""
    ui = a_review.widget.ui
    for box in ("Nifti", "Nrrd", "Surface", "Maps"):
        getattr(ui, f"export{box}CheckBox").checked = True
    ui.exportFolderButton.directory = str(folder)
    ui.exportButton.click()
    pythonqt.runEventLoop(lambda: len(list(folder.rglob("*"))) > 2, 60)
    assert not ui.exportButton.enabled


def test_the_event_loop_turns_between_the_files(a_review: Reviewed, tmp_path: Path, pump: Any) -> None:
    counts, timer = list[int](), qt.QTimer()
    timer.connect("timeout()", lambda: counts.append(len(list(tmp_path.rglob("[!.]*.*")))))
    timer.start(0)
    beginExport(a_review, tmp_path)
    pump(lambda: a_review.widget.ui.exportButton.enabled, 60)
    timer.stop()
    steps = np.diff(counts)
    assert steps.max() <= 2  # a file, and what it is written to first
    assert len(set(counts)) > 8


@pytest.mark.parametrize("isTwice", [False, True])
def test_a_second_click_changes_nothing(a_review: Reviewed, tmp_path: Path, pump: Any, isTwice: bool) -> None:
    ui = a_review.widget.ui
    ui.exportFolderButton.directory = str(tmp_path)
    for _time in range(1 + isTwice):
        ui.exportButton.clicked()  # as the button itself would, had it not been disabled
    pump(lambda: ui.exportButton.enabled, 60)
    assert ui.exportStatusLabel.text == f"2 files written to {tmp_path}."
    assert len(list(tmp_path.iterdir())) == 2


def test_no_run_while_results_are_exported(a_review: Reviewed, tmp_path: Path, pump: Any) -> None:
    beginExport(a_review, tmp_path)
    a_review.widget.logic.run([a_review.widget.logic.rows[0].rowId])
    assert not a_review.widget.logic.isRunning
    assert a_review.widget.ui.statusLabel.text == "An export is still under way; wait for its end."
    pump(lambda: a_review.widget.ui.exportButton.enabled, 60)
    assert "files written" in a_review.widget.ui.exportStatusLabel.text


@pytest.mark.parametrize("what", ["edit", "delete", "close", "reload"])
def test_what_changes_under_an_export_leaves_nothing(
    a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path, pump: Any, what: str
) -> None:
    beginExport(a_review, tmp_path)
    if what == "edit":
        paint(a_review)
    elif what == "delete":
        a_slicer.mrmlScene.RemoveNode(a_review.segmentation)
    elif what == "close":
        a_slicer.mrmlScene.Clear(0)
    else:
        a_review.widget.onReload()
    widget = a_slicer.util.getModuleWidget("MedCLIPSeg")
    pump(lambda: list(tmp_path.iterdir()) == [] and not widget.logic.isExporting, 60)
    said = widget.ui.exportStatusLabel.text
    expected = {"edit": "changed during the export", "reload": ""}.get(what, "no longer in the scene")
    assert expected in said
    assert (widget is a_review.widget) == (what != "reload")


def test_a_scene_closed_right_after_the_click(a_slicer: ModuleType, a_review: Reviewed, tmp_path: Path) -> None:
    a_review.widget.ui.exportFolderButton.directory = str(tmp_path / "out")
    a_review.widget.ui.exportButton.click()
    a_slicer.mrmlScene.Clear(0)
    pythonqt.processEvents(100)
    assert "no longer in the scene" in a_review.widget.ui.exportStatusLabel.text
    assert not (tmp_path / "out").exists()
