"""Panels from .ui files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from pythonqt.wrapping import unwrap, wrap

customWidgets: dict[str, type[QtWidgets.QWidget]] = {}
"""Classes a .ui file may name beside Qt's own."""


class QUiLoader(QtUiTools.QUiLoader):
    """Makes the host's widgets where the file names them, and its connections."""

    def createWidget(self, className: str, parent: Any = None, name: str = "") -> QtWidgets.QWidget:
        cls = customWidgets.get(className)
        if cls is None:
            return super().createWidget(className, parent, name)
        widget = cls(parent)
        widget.setObjectName(name)
        return widget

    def load(self, device: Any, parent: Any = None) -> QtWidgets.QWidget:
        content = device.readAll()
        buffer = QtCore.QBuffer()
        buffer.setData(content)
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        root = super().load(buffer, parent)
        for connection in ElementTree.fromstring(bytes(content.data())).iter("connection"):
            texts = {part.tag: part.text or "" for part in connection}
            sender, receiver = (_named(root, texts[end]) for end in ("sender", "receiver"))
            signal, slot = (texts[end].partition("(")[0] for end in ("signal", "slot"))
            getattr(sender, signal).connect(getattr(receiver, slot))
        return root


def loadUi(path: str | Path, parent: Any = None) -> Any:
    """The root widget of a .ui file, wrapped."""
    file = QtCore.QFile(str(path))
    if not file.open(QtCore.QIODevice.OpenModeFlag.ReadOnly):
        raise FileNotFoundError(path)
    return wrap(QUiLoader().load(file, unwrap(parent)))


def _named(root: QtWidgets.QWidget, name: str) -> QtCore.QObject:
    found = root if root.objectName() == name else root.findChild(QtCore.QObject, name)
    assert found is not None, name
    return found
