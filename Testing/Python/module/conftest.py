"""The module file on real MRML classes, with doubles for what only the application has."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import application_double
import pytest
import qt_double

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The application's scene."""
    slicer = importlib.import_module("slicer")
    session = importlib.import_module("MedCLIPSegLogic.scene.session").create_scene()
    monkeypatch.setattr(slicer, "mrmlScene", session.scene, raising=False)
    importlib.import_module("slicer.util")
    yield session.scene
    session.scene.Clear()


@pytest.fixture
def application(scene: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """``slicer`` with the application's parts; the module's own files are forgotten afterwards."""
    slicer = importlib.import_module("slicer")
    for name, module in application_double.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(slicer.util, "loadUI", lambda path: qt_double.UiWidget(Path(path)))
    monkeypatch.setattr(slicer.util, "childWidgetVariables", lambda widget: SimpleNamespace(**widget.children))
    monkeypatch.syspath_prepend(str(ROOT / "MedCLIPSeg"))
    yield slicer
    qt_double.QTimer.active.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("MedCLIPSeg", "MedCLIPSegLib")]:
        del sys.modules[name]


@pytest.fixture
def module(application: ModuleType) -> ModuleType:
    """The module file, imported as Slicer does."""
    return importlib.import_module("MedCLIPSeg")


@pytest.fixture
def panel(module: ModuleType, application: ModuleType) -> Iterator[Any]:
    """An open panel whose packages are all there, on a scene with one picture."""
    numpy = importlib.import_module("numpy")
    volumes = importlib.import_module("MedCLIPSegLogic.scene.volumes")
    volume = importlib.import_module("MedCLIPSegLogic.volumes.volume")
    voxels = numpy.arange(20, dtype=numpy.uint8).reshape(1, 4, 5)
    volumes.add_volume_node(application.mrmlScene, volume.Volume(voxels, numpy.eye(4), "picture"))
    widget = module.MedCLIPSegWidget()
    widget.setup()
    widget.dependencies = SimpleNamespace(ensure=lambda: None)
    widget.ui.promptLineEdit.text = "a bright area"
    widget.ui.promptLineEdit.emit("textChanged(QString)")
    yield widget
    widget.cleanup()
