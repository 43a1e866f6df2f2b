"""The Model section: every control, on the real panel."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
import slicer
import slicerhost
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLib.model import model_section
from MedCLIPSegLogic.model.catalog import BUNDLED_MODELS


@pytest.fixture
def a_folder(tmp_path: Path) -> Path:
    """A model folder without a card, as training leaves it."""
    folder = tmp_path / "my model é"
    shutil.copytree(BUNDLED_MODELS / "mini", folder)
    (folder / "model.json").unlink()
    return folder


@pytest.fixture
def said(a_module_widget: Any) -> list[str]:
    lines: list[str] = []
    a_module_widget.logic.said.connect(lines.append)
    return lines


def openFolder(widget: Any, folder: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_section, "askFolder", lambda *_question: str(folder))
    widget.ui.openModelButton.click()
    pythonqt.processEvents(30)


def titles(combo: Any) -> list[str]:
    """What is listed beside the published models that could be downloaded and the methods without training data."""
    names = [combo.itemText(index) for index in range(combo.count)]
    return [name for name in names if not name.endswith((", to download", "zero-shot"))]


def test_the_bundled_model_is_chosen_and_described(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    assert titles(ui.modelComboBox) == ["mini (bundled)"]
    assert ui.modelComboBox.currentData == a_module_widget.logic.parameters.model == "mini"
    purpose, license, size = ui.modelInfoLabel.text.split("\n")
    assert "breast lesions in ultrasound" in purpose
    assert license == "License: CC BY-SA 4.0"
    assert size == "9.3 MB, on this computer"
    assert ui.modelCollapsibleButton.collapsed


def test_a_model_folder_is_opened_and_chosen(
    a_module_widget: Any, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui, parameters = a_module_widget.ui, a_module_widget.logic.parameters
    openFolder(a_module_widget, a_folder, monkeypatch)
    assert parameters.model == str(a_folder)
    assert titles(ui.modelComboBox) == ["mini (bundled)", "my model é"]
    assert ui.modelComboBox.currentText == "my model é"
    assert "not stated" in ui.modelInfoLabel.text
    ui.modelComboBox.currentIndex = 0
    pythonqt.processEvents(30)
    assert parameters.model == "mini"
    assert "dermoscopy" in ui.modelInfoLabel.text
    openFolder(a_module_widget, a_folder, monkeypatch)
    assert len(titles(ui.modelComboBox)) == 2
    assert parameters.model == str(a_folder)


def test_opened_folders_and_device_are_remembered(
    a_slicer: ModuleType, a_module_widget: Any, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openFolder(a_module_widget, a_folder, monkeypatch)
    a_module_widget.panel.model.useProcessor()
    a_module_widget.onReload()
    reloaded = a_slicer.util.getModuleWidget("MedCLIPSeg")
    assert titles(reloaded.ui.modelComboBox) == ["mini (bundled)", "my model é"]
    assert reloaded.panel.model.device() == "cpu"
    assert reloaded.ui.deviceComboBox.currentText == "Processor"


def test_another_folder_is_refused(
    a_module_widget: Any, a_folder: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for missing in ["config.json", "model.safetensors"]:
        away = (a_folder / missing).rename(a_folder.parent / missing)
        openFolder(a_module_widget, a_folder, monkeypatch)
        away.rename(a_folder / missing)
        assert f"has no {missing};" in said.pop()
        assert said == []
        assert a_module_widget.logic.parameters.model == "mini"
        assert titles(a_module_widget.ui.modelComboBox) == ["mini (bundled)"]


def test_a_cancelled_question_changes_nothing(
    a_module_widget: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    openFolder(a_module_widget, "", monkeypatch)
    assert (a_module_widget.logic.parameters.model, said) == ("mini", [])


def test_a_model_that_is_gone_is_shown_as_such(
    a_slicer: ModuleType, a_module_widget: Any, a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui = a_module_widget.ui
    openFolder(a_module_widget, a_folder, monkeypatch)
    shutil.rmtree(a_folder)
    a_slicer.util.selectModule("Volumes")
    a_slicer.util.selectModule("MedCLIPSeg")
    pythonqt.processEvents(30)
    assert f"{a_folder} is not on this computer any more" in ui.modelInfoLabel.text
    assert not ui.modelCollapsibleButton.collapsed


def test_the_model_of_a_scene_from_elsewhere_is_kept(a_module_widget: Any) -> None:
    a_module_widget.logic.parameters.model = "/elsewhere/<b>model"
    pythonqt.processEvents(30)
    assert a_module_widget.ui.modelComboBox.currentText == "<b>model"
    assert "/elsewhere/<b>model is not on this computer any more" in a_module_widget.ui.modelInfoLabel.text
    assert a_module_widget.logic.parameters.model == "/elsewhere/<b>model"


def test_the_device_is_chosen(a_module_widget: Any) -> None:
    for index, device in [(0, "auto"), (1, "cpu"), (2, "cuda")]:
        a_module_widget.ui.deviceComboBox.currentIndex = index
        assert a_module_widget.panel.model.device() == device == a_module_widget.logic.device()


def test_an_odd_device_in_the_settings_is_automatic(a_slicer: ModuleType) -> None:
    for stored in ["", "tpu", None, 7, ("cpu", "cuda")]:
        a_slicer.app.settings().setValue(model_section.DEVICE_KEY, stored)
        widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
        assert widget.panel.model.device() == "auto"


def test_the_number_of_threads_is_chosen_and_remembered(
    a_slicer: ModuleType, a_module_widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_section.os, "cpu_count", lambda: 16)
    a_module_widget.onReload()
    widget = a_slicer.util.getModuleWidget("MedCLIPSeg")
    spinBox = widget.ui.threadsSpinBox
    assert (spinBox.text, widget.logic.threads(), spinBox.maximum) == ("Automatic", "auto", 16)
    QTest.keyClick(pythonqt.unwrap(spinBox), Qt.Key.Key_Up)
    QTest.keyClick(pythonqt.unwrap(spinBox), Qt.Key.Key_Up)
    assert widget.logic.threads() == 2
    widget.onReload()
    widget = a_slicer.util.getModuleWidget("MedCLIPSeg")
    assert (widget.ui.threadsSpinBox.value, widget.logic.threads()) == (2, 2)
    widget.ui.threadsSpinBox.value = 0
    assert a_slicer.app.settings().value(model_section.THREADS_KEY) in (0, "0")


@pytest.mark.parametrize(
    ("stored", "meant"), [("", "auto"), ("many", "auto"), (None, "auto"), (-3, "auto"), ("1", 1), (10**12, 2)]
)
def test_an_odd_number_of_threads_in_the_settings_is_automatic_or_all(
    stored: object, meant: object, a_slicer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_section.os, "cpu_count", lambda: 2)
    a_slicer.app.settings().setValue(model_section.THREADS_KEY, stored)
    assert slicerhost.loadModule("MedCLIPSeg", enter=True).panel.model.threads() == meant


def test_a_run_gets_the_number_of_threads(a_module_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    logic, started = a_module_widget.logic, []
    monkeypatch.setattr(logic.runControl, "start", started.append)
    logic.parameters.inputVolume = slicer.util.loadVolume(str(CASES / "dermoscopy.jpg"))
    row = logic.rows.add(["skin lesion"])[0]
    for number, meant in ((1, 1), (0, "auto")):
        a_module_widget.ui.threadsSpinBox.value = number
        logic.run([row.rowId])
        assert started.pop().prepared.request.threads == meant


def test_sample_count_and_seed_are_bound(a_module_widget: Any) -> None:
    ui, parameters = a_module_widget.ui, a_module_widget.logic.parameters
    ui.sampleCountSpinBox.value, ui.seedSpinBox.value = 12, 7
    assert (parameters.sampleCount, parameters.seed) == (12, 7)
    parameters.sampleCount, parameters.seed = 3, 2**31 - 1
    assert (ui.sampleCountSpinBox.value, ui.seedSpinBox.value) == (3, 2**31 - 1)


def test_the_model_stays_during_a_run(a_module_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for isRunning in (True, False):
        monkeypatch.setattr(type(a_module_widget.logic), "isRunning", isRunning)
        a_module_widget.panel.refresh()
        assert a_module_widget.ui.modelComboBox.enabled is not isRunning
        assert a_module_widget.ui.openModelButton.enabled is not isRunning
