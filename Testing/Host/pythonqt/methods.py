"""Functions of Qt as PythonQt lets Python call them."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from pythonqt.event_loop import heldLoops
from pythonqt.slots import adapted

REFUSAL = "Could not find matching overload for given arguments:"


class Method:
    """A function of an object or of a class; takes no keyword arguments and converts what Qt doesn't take."""

    def __init__(self, function: Callable[..., Any], name: str, owner: Any, className: str) -> None:
        self._function, self._name, self._owner, self._className = function, name, owner, className

    def __repr__(self) -> str:
        if self._owner is None:
            return f"<unbound qt slot static_{self._className}_{self._name} of {self._className} type>"
        static = isinstance(inspect.getattr_static(type(self._owner), self._name, None), staticmethod)
        name = f"static_{self._className}_{self._name}" if static else self._name
        return f"<qt slot {name} of {self._className} instance at {id(self._owner):#x}>"

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        from pythonqt.wrapping import wrap

        if keywords:
            raise ValueError(f"Called {self._name} with keyword arguments, but called slot does not support kwargs.")
        held = heldLoops(self._owner, self._name)
        if held is not None:
            return held(*[int(value) for value in arguments])
        plain = [argument(value) for value in arguments]
        if any(value is None for value in plain):
            # PySide makes an empty text of None, PythonQt the text "None".
            plain = self._converted(plain) or plain
        try:
            return wrap(self._function(*plain))
        except TypeError as error:
            fitting = self._converted(plain)
            if fitting is None:
                raise ValueError(f"{REFUSAL} {error}") from None
        try:
            return wrap(self._function(*fitting))
        except TypeError as error:
            raise ValueError(f"{REFUSAL} {error}") from None

    def _converted(self, arguments: list[Any]) -> list[Any] | None:
        """The arguments as the slot declares them, for a slot of Qt; None when there is none of that name."""
        if not isinstance(self._owner, QtCore.QObject):
            return None
        meta = self._owner.metaObject()
        for index in range(meta.methodCount()):
            method = meta.method(index)
            if bytes(method.name().data()).decode() != self._name or method.parameterCount() != len(arguments):
                continue
            kinds = [bytes(method.parameterTypeName(place).data()).decode() for place in range(len(arguments))]
            try:
                return [converted(value, kind) for value, kind in zip(arguments, kinds, strict=True)]
            except (AttributeError, TypeError, ValueError):
                continue
        return None


def argument(value: Any) -> Any:
    """A value as PySide takes it: what a wrapper holds, a function as a slot, a number of numpy as Python's."""
    from pythonqt.wrapping import unwrap

    plain = unwrap(value)
    if inspect.isfunction(plain) or inspect.ismethod(plain):
        return adapted(plain)
    return plain


def converted(value: Any, kind: str) -> Any:
    """A value as Qt's type of this name: texts and truths of anything, numbers of numbers.

    Raises:
        AttributeError: If a number is wanted and the value is none.
    """
    if kind == "QString":
        return str(value)
    if kind == "bool":
        return bool(value)
    if kind in ("int", "uint") and not isinstance(value, enum.Enum):
        return int(value.__int__())
    if kind in ("double", "float"):
        return float(value.__float__())
    return value
