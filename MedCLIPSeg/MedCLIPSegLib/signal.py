"""Signals between Python objects."""

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Signal(Generic[P]):
    """Calls everything that was connected, in order; Qt's own signals are not reliable in Python classes of Slicer.

    The types in brackets are what it is called with: ``changed: Signal[[]]``, ``said: Signal[[str]]``.
    """

    def __init__(self) -> None:
        self._slots: list[Callable[P, object]] = []

    def connect(self, slot: Callable[P, object]) -> None:
        """Call ``slot`` with whatever the signal is called with."""
        self._slots.append(slot)

    def disconnect(self, slot: Callable[P, object]) -> None:
        """Call ``slot`` no longer; does nothing when it isn't connected."""
        if slot in self._slots:
            self._slots.remove(slot)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for slot in list(self._slots):
            slot(*args, **kwargs)
