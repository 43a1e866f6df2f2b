"""How wrapped objects and their methods print."""

from __future__ import annotations

from typing import Any

import shiboken6
from PySide6 import QtCore, QtWidgets


def description(target: Any, className: str) -> str:
    """What `str` and `repr` give for a wrapped object; values print what they hold, as in PythonQt."""
    if isinstance(target, QtCore.QByteArray):
        return str(bytes(target.data()))
    if isinstance(target, (QtCore.QSize, QtCore.QSizeF)):
        return f"{target.width()}, {target.height()}"
    if isinstance(target, (QtCore.QRect, QtCore.QRectF)):
        return f"{target.x()}, {target.y()}, {target.width()}, {target.height()}"
    if isinstance(target, (QtCore.QPoint, QtCore.QPointF)):
        return f"{target.x()}, {target.y()}"
    if not shiboken6.isValid(target):
        return f"{className} ({className} at: 0x(nil))"
    pointer = int(shiboken6.getCppPointer(target)[0])
    if isinstance(target, QtWidgets.QWidget):
        inner = next(base.__name__ for base in type(target).__mro__ if base.__module__.startswith("PySide6"))
        return f"{className} ({inner}({pointer:#x}))"
    if isinstance(target, QtCore.QObject):
        return f"{className} (QObject {pointer:#x})"
    text = repr(target).removeprefix("<").partition(" at 0x")[0]
    name = f"{type(target).__module__}.{type(target).__qualname__}"
    if text.startswith(f"{name}("):
        return text.removeprefix(f"{type(target).__module__}.") + " "
    return f"{className} ({className} at: {pointer:#x})"
