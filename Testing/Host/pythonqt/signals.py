"""Signals by their signature or as attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore

from pythonqt.slots import adapted


@dataclass(eq=False)
class _Connection:
    sender: QtCore.QObject
    signature: str
    function: Callable[..., Any]
    slot: Callable[..., None]


_connections: dict[int, list[_Connection]] = {}


class BoundSignal:
    """A signal of an object: has `connect`, `disconnect` and `emit`, and is emitted when it is called."""

    def __init__(self, sender: QtCore.QObject, name: str) -> None:
        self._sender, self._name = sender, name

    def connect(self, function: Callable[..., Any]) -> bool:
        """Call a function at every emission with all it takes of the signal's arguments."""
        getattr(self._sender, self._name).connect(adapted(function))
        return True

    def emit(self, *values: Any) -> None:
        """Emit the signal."""
        from pythonqt.wrapping import unwrap

        getattr(self._sender, self._name).emit(*[unwrap(value) for value in values])

    __call__ = emit


def connect(sender: QtCore.QObject, signature: str, function: Any, slot: str = "") -> bool:
    """Connect by signature; False, with a line printed, when there is no such signal."""
    found = _resolve(sender, signature)
    if found is None:
        print(f"PythonQt: QObject::connect() signal '{signature}' does not exist on {sender.metaObject().className()}")
        return False
    name, count = found
    if slot:
        function = getattr(function, slot.partition("(")[0])
    connection = _Connection(sender, signature, function, adapted(function, count))
    getattr(sender, name).connect(connection.slot)
    key = id(sender)
    if key not in _connections:
        _connections[key] = []
        sender.destroyed.connect(lambda: _connections.pop(key, None))
    _connections[key].append(connection)
    return True


def disconnect(sender: QtCore.QObject, signature: str, function: Callable[..., Any] | None = None) -> bool:
    """Undo `connect`, for one function or for all; False when nothing was connected."""
    found = _resolve(sender, signature)
    mine = _connections.get(id(sender), [])
    ended = [c for c in mine if c.signature == signature and function in (None, c.function)]
    if found is None or not ended:
        return False
    for connection in ended:
        getattr(sender, found[0]).disconnect(connection.slot)
        mine.remove(connection)
    return True


def _resolve(sender: QtCore.QObject, signature: str) -> tuple[str, int] | None:
    """Name and number of arguments of a signal; signals of host classes pass MRML objects as plain Python objects."""
    plain = signature.removeprefix("2")
    normalized = bytes(QtCore.QMetaObject.normalizedSignature(plain).data()).decode()
    name, _, inside = normalized.rstrip(")").partition("(")
    count = len([part for part in inside.split(",") if part])
    meta = sender.metaObject()
    if meta.indexOfSignal(normalized) >= 0:
        return name, count
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if (
            method.methodType() is QtCore.QMetaMethod.MethodType.Signal
            and bytes(method.name().data()).decode() == name
            and method.parameterCount() == count
            and b"PyObject" in bytes(method.methodSignature().data())
        ):
            return name, count
    return None
