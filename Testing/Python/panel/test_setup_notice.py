"""What a first user meets: no PyTorch, no extension for it, missing packages, no network, no graphics card."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import pythonqt
import qt
import slicerhost
from review_samples import addImage
from slicerhost import dialogs, namespaces, packaging, pytorch_utils
from slicerhost.fixtures import Pump

Hide = Callable[..., None]


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Hide:
    """Return a function that makes packages look as if they were not installed."""
    hidden: set[str] = set()
    findSpec, version = importlib.util.find_spec, importlib.metadata.version

    def spec(name: str, package: str | None = None) -> Any:
        return None if name in hidden else findSpec(name, package)

    def versionOf(name: str) -> str:
        if name in hidden:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.util, "find_spec", spec)
    monkeypatch.setattr(importlib.metadata, "version", versionOf)
    return lambda *names: hidden.clear() if not names else hidden.update(names)


@pytest.fixture
def a_slicer_5_10(a_slicer: ModuleType) -> Any:
    namespaces.setPackagingPresent(False)
    yield a_slicer
    namespaces.setPackagingPresent(True)


def opened() -> Any:
    widget = slicerhost.loadModule("MedCLIPSeg", enter=True)
    pythonqt.processEvents(30)
    return widget


def notice(widget: Any) -> tuple[str, str] | None:
    """Sentence and button; None while the notice is hidden."""
    ui = widget.ui
    return (ui.setupLabel.text, ui.setupButton.text) if ui.setupNotice.isVisibleTo(ui.MedCLIPSeg) else None


def pressButton(widget: Any) -> str:
    """Press the notice's button; returns the line of status."""
    widget.ui.setupButton.click()
    pythonqt.processEvents(30)
    return str(widget.ui.statusLabel.text)


def test_nothing_is_said_when_all_is_there(a_slicer: ModuleType) -> None:
    assert notice(opened()) is None


def test_without_the_pytorch_extension(a_slicer: ModuleType, hide: Hide) -> None:
    hide("torch")
    widget = opened()
    assert notice(widget) == (
        "MedCLIPSeg computes with PyTorch, which the PyTorch extension brings to Slicer.",
        "Install the PyTorch extension",
    )
    assert pressButton(widget) == "The PyTorch extension is installed; restart Slicer, then segment again."
    assert a_slicer.app.extensionsManagerModel().installs == ["PyTorch"]
    assert a_slicer.app.extensionsManagerModel().interactive
    assert dialogs.texts() == []  # the button has asked


def test_without_the_pytorch_extension_and_network(a_slicer: ModuleType, hide: Hide) -> None:
    hide("torch")
    a_slicer.app.extensionsManagerModel().canInstall = False
    widget = opened()
    assert "could not be installed; check the network" in pressButton(widget)
    assert notice(widget) is not None
    assert widget.ui.setupButton.enabled


def test_without_pytorch(a_slicer: ModuleType, hide: Hide) -> None:
    hide("torch")
    pytorch_utils.put(torch="torch")
    widget = opened()
    sentence, button = notice(widget) or ("", "")
    assert sentence == "PyTorch is not installed yet; it takes some gigabytes and a few minutes."
    assert button == "Install PyTorch"
    hide()
    dialogs.answerNext(qt.QMessageBox.Ok)
    pressButton(widget)
    assert pytorch_utils.calls == [{"askConfirmation": True, "torchVersionRequirement": ">=2.6"}]
    assert notice(widget) is None


def test_pytorch_that_was_declined_or_does_not_come(
    a_slicer: ModuleType, hide: Hide, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide("torch")
    pytorch_utils.put()
    widget = opened()
    dialogs.answerNext(qt.QMessageBox.Cancel, qt.QMessageBox.Ok)
    assert pressButton(widget) == "PyTorch was not installed; nothing can be segmented without it."
    monkeypatch.setattr(pytorch_utils, "fails", True)
    assert "could not be installed; check the network" in pressButton(widget)
    assert notice(widget) is not None
    assert widget.ui.setupButton.enabled


def test_missing_packages_are_named_and_installed_without_torch(a_slicer: ModuleType, hide: Hide) -> None:
    hide("timm", "nibabel")
    widget = opened()
    sentence, button = notice(widget) or ("", "")
    assert sentence == "Some Python packages are not installed yet: timm>=1.0.22, nibabel>=5.2."
    assert button == "Install the packages"
    hide()
    pressButton(widget)
    [(name, arguments)] = packaging.calls
    assert (name, arguments["requester"]) == ("pip_ensure", "MedCLIPSeg")
    assert arguments["skip_packages"] == ["torch", "torchvision"]
    assert not [each for each in arguments["requirements"] if each.startswith("torch")]
    assert notice(widget) is None


def test_missing_packages_in_slicer_5_10(a_slicer_5_10: ModuleType, hide: Hide) -> None:
    hide("timm", "nibabel")
    widget = opened()
    pressButton(widget)
    assert packaging.calls == [("pip_install", {"requirements": ["timm>=1.0.22", "nibabel>=5.2"]})]


def test_an_old_package_counts_as_missing(a_slicer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "4.57.1" if name == "transformers" else version(name)
    )
    assert (notice(opened()) or ("",))[0] == "Some Python packages are not installed yet: transformers>=5.0."


def test_packages_that_do_not_come(a_slicer: ModuleType, hide: Hide) -> None:
    for how, sentence in [
        ("fails", "The Python packages could not be installed; check the network"),
        ("declines", "nothing can be segmented without them"),
    ]:
        hide("timm")
        widget = opened()
        setattr(packaging, how, True)
        assert sentence in pressButton(widget)
        setattr(packaging, how, False)
        assert notice(widget) is not None
        assert widget.ui.setupButton.enabled


def test_a_run_says_which_button_helps(a_slicer: ModuleType, hide: Hide) -> None:
    hide("timm")
    widget = opened()
    addImage()
    edit = widget.ui.promptLineEdit
    edit.text = "liver"
    edit.returnPressed()
    pythonqt.processEvents(50)
    assert widget.ui.statusLabel.text == (
        "Some Python packages are not installed yet: timm>=1.0.22. Press “Install the packages” above."
    )
    assert not widget.logic.isRunning
    assert packaging.calls == []


def test_without_a_graphics_card(a_slicer: ModuleType, pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = opened()
    addImage()
    widget.logic.parameters.sampleCount = 1
    widget.ui.deviceComboBox.currentIndex = widget.ui.deviceComboBox.findData("cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    rows = widget.logic.rows.add(["liver"])
    widget.logic.run([rows[0].rowId])
    pump(lambda: not widget.logic.isRunning, 60)
    pythonqt.processEvents(30)
    assert notice(widget) == ("PyTorch finds no graphics card it can use.", "Use the processor")
    assert widget.logic.stateOf(widget.logic.rows[0]) == "failed"
    pressButton(widget)
    assert (notice(widget), widget.logic.device()) == (None, "cpu")
    widget.logic.run([rows[0].rowId])
    pump(lambda: not widget.logic.isRunning, 60)
    assert widget.logic.stateOf(widget.logic.rows[0]) in ("done", "empty")


def test_pytorch_that_does_not_start(a_slicer: ModuleType, pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    from MedCLIPSegLib.run import torch_import

    imported = importlib.import_module

    def broken(name: str) -> Any:
        if name == "torch":
            raise OSError("libcudart.so.12: cannot open shared object file")
        return imported(name)

    widget = opened()
    addImage()
    rows = widget.logic.rows.add(["liver"])
    monkeypatch.setattr(torch_import.importlib, "import_module", broken)
    widget.logic.run([rows[0].rowId])
    pump(lambda: not widget.logic.isRunning, 60)
    pythonqt.processEvents(30)
    assert widget.ui.statusLabel.text.startswith("PyTorch is installed but does not start (libcudart.so.12")
    assert widget.logic.stateOf(widget.logic.rows[0]) == "failed"


def test_looking_imports_nothing(a_slicer: ModuleType) -> None:
    """It is done whenever the panel is shown, and PyTorch alone takes seconds."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import slicerhost; slicerhost.startApplication(mainWindow=False);"
        "from MedCLIPSegLib.setup.dependencies import Dependencies; from pathlib import Path;"
        "assert Dependencies(Path(sys.argv[3])).nextStep() is None;"
        "print({'torch', 'torchvision', 'transformers', 'timm', 'nibabel', 'PIL', 'cv2'} & set(sys.modules))"
    )
    root = slicerhost.start.REPOSITORY
    places = [str(root / "MedCLIPSeg"), str(root / "Testing" / "Host")]
    requirements = str(root / "MedCLIPSeg" / "Resources" / "requirements.txt")
    done = subprocess.run([sys.executable, "-c", code, *places, requirements], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["set()"], done.stderr
