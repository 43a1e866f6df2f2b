"""Python callables as slots."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

lostErrors: list[BaseException] = []
"""Exceptions that left slots, observers of VTK or overridden functions of Qt: the application prints and forgets them,
tests must not."""


def noteLostErrors() -> None:
    """Note what C++ prints of Python's exceptions from now on.

    Whatever calls Python from C++ and has nobody to hand an exception to, as VTK with its observers, prints it through
    ``sys.excepthook``, which others, such as a command line within the process, may put back.
    """
    sys.excepthook = _note


def _note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    lostErrors.append(error)
    sys.__excepthook__(kind, error, trace)


def positionalCount(function: Callable[..., Any]) -> int | None:
    """Arguments a function or bound method takes; None for callables that get all of them."""
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        return None
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) for parameter in parameters
    )


def adapted(function: Callable[..., Any]) -> Callable[..., None]:
    """A slot that hands on the arguments a function takes, wrapped, and lets no exception out."""
    from pythonqt.wrapping import wrap

    takes = positionalCount(function)

    def slot(*values: Any) -> None:
        given = [wrap(value) for value in values]
        try:
            function(*(given if takes is None else given[:takes]))
        except BaseException as error:  # the event loop goes on, as in PythonQt
            sys.excepthook(type(error), error, error.__traceback__)

    return slot
