"""The modules `qt`, `ctk` and `PythonQt`."""

from __future__ import annotations

import sys
import types
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

from pythonqt import ctk_widgets
from pythonqt.ui_loader import QUiLoader, customWidgets
from pythonqt.wrapping import wrapperClass

ABSENT = {"QThread"}
"""Not there in the runtime of Slicer 5.8, and not to be subclassed in later ones."""


def install() -> None:
    """Put `qt`, `ctk` and `PythonQt` where imports find them; makes the application object if there is none."""
    if "qt" in sys.modules:
        return
    if QtWidgets.QApplication.instance() is None:
        global _application
        _application = QtWidgets.QApplication(sys.argv[:1])
    qt: Any = types.ModuleType("qt")
    for module in (QtCore, QtGui, QtNetwork, QtWidgets):
        for name in dir(module):
            value = getattr(module, name)
            if name.startswith("Q") and isinstance(value, type) and name not in ABSENT:
                setattr(qt, name, wrapperClass(value))
    qt.QUiLoader = wrapperClass(QUiLoader)
    qt.Signal, qt.Slot, qt.Property = QtCore.Signal, QtCore.Slot, QtCore.Property
    qt.SIGNAL = lambda signature: "2" + signature
    ctk: Any = types.ModuleType("ctk")
    pythonQt: Any = types.ModuleType("PythonQt")
    for cls in ctk_widgets.WIDGETS:
        expose(cls, ctk)
    pythonQt.QtCore = pythonQt.QtGui = qt
    sys.modules.update({"qt": qt, "ctk": ctk, "PythonQt": pythonQt})


def expose(pysideClass: type, module: Any, name: str | None = None) -> None:
    """Let product code see a class written for PySide as one of a module, and .ui files name it."""
    name = name or pysideClass.__name__
    setattr(module, name, wrapperClass(pysideClass))
    if issubclass(pysideClass, QtWidgets.QWidget):
        customWidgets[name] = pysideClass


_application: QtWidgets.QApplication | None = None
