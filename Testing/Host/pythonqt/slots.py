"""Python callables as slots."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import Any

slotErrors: list[BaseException] = []
"""Exceptions that left slots: PythonQt prints and forgets them, tests must not."""


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
            slotErrors.append(error)
            traceback.print_exc()

    return slot
