"""Signals between Python objects."""

from collections.abc import Callable
from typing import Any


class Signal:
    """Calls everything that was connected, in order; Qt's own signals are not reliable in Python classes of Slicer."""

    def __init__(self) -> None:
        self._slots: list[Callable[..., None]] = []

    def connect(self, slot: Callable[..., None]) -> None:
        """Call ``slot`` with whatever the signal is called with."""
        self._slots.append(slot)

    def disconnect(self, slot: Callable[..., None]) -> None:
        """Call ``slot`` no longer; does nothing when it isn't connected."""
        if slot in self._slots:
            self._slots.remove(slot)

    def __call__(self, *values: Any) -> None:
        for slot in list(self._slots):
            slot(*values)
