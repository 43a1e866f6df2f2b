"""Python classes derived from classes of Qt: attributes are allowed, virtual functions can be overridden."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

WRAPPER = "pythonqtWrapper"
"""Attribute of the PySide object that holds its Python half: it lives as long as the object."""


def derived(name: str, base: type, namespace: dict[str, Any]) -> type:
    """The PySide class behind a Python class; signals move there, functions of Qt are sent to the Python half."""
    inner: dict[str, Any] = {}
    for key, value in list(namespace.items()):
        if isinstance(value, QtCore.Signal):
            inner[key] = namespace.pop(key)
        elif callable(value) and not key.startswith("__") and callable(getattr(base, key, None)):
            inner[key] = _override(key, getattr(base, key))
    return type(base)(name, (base,), inner)


def _override(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def function(target: Any, *arguments: Any) -> Any:
        from pythonqt.wrapping import unwrap, wrap

        wrapper = target.__dict__.get(WRAPPER)
        if wrapper is None:
            return original(target, *arguments)
        try:
            return unwrap(getattr(wrapper, name)(*[wrap(value) for value in arguments]))
        except BaseException as error:  # Qt goes on with its own function, as in PythonQt
            sys.excepthook(type(error), error, error.__traceback__)
            return original(target, *arguments)

    return function
