"""Scripted modules and their widgets as the application keeps them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pythonqt
import slicer
from PySide6.QtCore import Property
from PySide6.QtWidgets import QVBoxLayout, QWidget

from slicerhost.qmrml_widget import qMRMLWidget


class qSlicerScriptedLoadableModule:
    """A scripted module; the module's own class fills in title, help and the like.

    Args:
        name: of the module and of its class.
        path: of its file.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = str(path)
        self.title = name
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.helpText = ""
        self.acknowledgementText = ""
        self._widget: Any = None

    def load(self) -> None:
        """Execute the file and make the module's class."""
        module = _execute(self.name, Path(self.path))
        self.instance = getattr(module, self.name)(self)

    def widgetRepresentation(self) -> Any:
        """The module's widget; made, and set up, at the first call."""
        if self._widget is None:
            widget = qSlicerScriptedLoadableModuleWidget()
            self._widget = pythonqt.wrap(widget)
            widget.open(self.name, self._widget)
        return self._widget

    def hasWidget(self) -> bool:
        return self._widget is not None

    def close(self) -> None:
        """Delete the widget."""
        widget, self._widget = self._widget, None
        if widget is not None:
            inner = pythonqt.unwrap(widget)
            inner.hide()
            inner.setParent(None)
            inner.deleteLater()


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The widget whose Python half the module's file defines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        QVBoxLayout(self)
        self._moduleName = ""
        self._python: Any = None
        self._wrapper: Any = None
        self._entered = False

    def open(self, moduleName: str, wrapper: Any) -> None:
        """Make the Python half and set it up."""
        self._moduleName, self._wrapper = moduleName, wrapper
        self.setObjectName(moduleName + "ModuleWidget")
        self.setMRMLScene(slicer.mrmlScene)
        self._python = getattr(sys.modules[moduleName], moduleName + "Widget")(wrapper)
        setattr(slicer.modules, moduleName + "Widget", self._python)
        self._python.setup()

    def self(self) -> Any:
        """The Python half."""
        return self._python

    def enter(self) -> None:
        """The module is shown."""
        if not self._entered:
            self._entered = True
            self._python.enter()

    def exit(self) -> None:
        """Another module is shown."""
        if self._entered:
            self._entered = False
            self._python.exit()

    def reload(self) -> None:
        """Make the Python half anew from the file as it is now."""
        self.open(self._moduleName, self._wrapper)
        if self._entered:
            self._python.enter()

    isEntered = Property(bool, lambda self: self._entered)


def _execute(name: str, path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module
