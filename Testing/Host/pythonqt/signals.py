"""Signals by their signature or as attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import shiboken6
from PySide6 import QtCore

from pythonqt.slots import adapted


@dataclass(eq=False)
class _Connection:
    signature: str
    function: Callable[..., Any]
    slot: Callable[..., None]


# By the address of the sender, not by the sender: a connection must not keep it alive.
_connections: dict[int, list[_Connection]] = {}


class Signal:
    """A signal of an object: has `connect`, `disconnect` and `emit`, and is emitted when it is called."""

    def __init__(self, sender: QtCore.QObject, name: str) -> None:
        self._sender, self._name = sender, name

    def _signature(self) -> str:
        meta = self._sender.metaObject()
        for index in range(meta.methodCount()):
            method = meta.method(index)
            isSignal = method.methodType() is QtCore.QMetaMethod.MethodType.Signal
            if isSignal and bytes(method.name().data()).decode() == self._name:
                return bytes(method.methodSignature().data()).decode()
        raise AttributeError(self._name)

    def connect(self, function: Callable[..., Any]) -> bool:
        """Call a function at every emission with all it takes of the signal's arguments."""
        return connect(self._sender, self._signature(), function)

    def disconnect(self, function: Callable[..., Any] | None = None) -> bool:
        """Undo `connect`, for one function or for all; False when nothing was connected."""
        return disconnect(self._sender, self._signature(), function)

    def emit(self, *values: Any) -> None:
        """Emit the signal."""
        from pythonqt.wrapping import unwrap

        getattr(self._sender, self._name).emit(*[unwrap(value) for value in values])

    __call__ = emit


# The class of signals has this name in PythonQt.
Signal.__module__ = "QtCore"


def connect(sender: QtCore.QObject, signature: str, function: Any, slot: Any = "") -> bool:
    """Connect by signature; False, with a line printed, when there is no such signal.

    Raises:
        ValueError: If a type of connection is given, which PythonQt doesn't take.
    """
    if not isinstance(slot, str) or not isinstance(signature, str):
        raise ValueError("Could not find matching overload for given arguments:")
    found = _resolve(sender, signature)
    if found is None:
        print(f"PythonQt: QObject::connect() signal '{signature}' does not exist on {sender.metaObject().className()}")
        return False
    if slot:
        function = getattr(function, slot.removeprefix("1").partition("(")[0])
    if not callable(function):
        return False
    connection = _Connection(found, function, adapted(function))
    QtCore.QObject.connect(sender, QtCore.SIGNAL(found), connection.slot)
    key = int(shiboken6.getCppPointer(sender)[0])
    if key not in _connections:
        _connections[key] = []
        sender.destroyed.connect(lambda: _connections.pop(key, None))
    _connections[key].append(connection)
    return True


def disconnect(sender: QtCore.QObject, signature: str, function: Callable[..., Any] | None = None) -> bool:
    """Undo `connect`, for one function or for all; False when nothing was connected."""
    found = _resolve(sender, signature)
    mine = _connections.get(int(shiboken6.getCppPointer(sender)[0]), [])
    ended = [c for c in mine if c.signature == found and function in (None, c.function)]
    for connection in ended:
        QtCore.QObject.disconnect(sender, QtCore.SIGNAL(connection.signature), connection.slot)
        mine.remove(connection)
    return bool(ended)


def _resolve(sender: QtCore.QObject, signature: str) -> str | None:
    """The signal's signature as Qt knows it; signals of host classes pass MRML objects as plain Python objects."""
    plain = signature.removeprefix("2")
    text: Any = plain  # bytes by Qt's stubs, which Qt refuses
    normalized = bytes(QtCore.QMetaObject.normalizedSignature(text).data()).decode()
    name, _, inside = normalized.rstrip(")").partition("(")
    count = len([part for part in inside.split(",") if part])
    meta = sender.metaObject()
    if meta.indexOfSignal(normalized) >= 0:
        return normalized
    for index in range(meta.methodCount()):
        method = meta.method(index)
        known = bytes(method.methodSignature().data()).decode()
        if (
            method.methodType() is QtCore.QMetaMethod.MethodType.Signal
            and known.partition("(")[0] == name
            and method.parameterCount() == count
            and "PyObject" in known
        ):
            return known
    return None
