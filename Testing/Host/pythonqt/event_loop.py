"""Qt's event loop as Slicer runs it: while it turns, the thread keeps Python's lock."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PySide6
import shiboken6
from PySide6 import QtCore

ALARM_MILLISECONDS = 5
_WAIT_FOR_MORE_EVENTS = 4

# A PyDLL call keeps the lock, unlike PySide's own functions.
_core = ctypes.PyDLL(str(next((Path(PySide6.__file__).parent / "Qt" / "lib").glob("libQt6Core.so.6*"))))
_processEvents = _core._ZN16QCoreApplication13processEventsE6QFlagsIN10QEventLoop17ProcessEventsFlagEE
_processEvents.argtypes = [ctypes.c_int]
_processEvents.restype = None
_execLoop = _core._ZN10QEventLoop4execE6QFlagsINS_17ProcessEventsFlagEE
_execLoop.argtypes = [ctypes.c_void_p, ctypes.c_int]
_execLoop.restype = ctypes.c_int
_execApplication = _core._ZN16QCoreApplication4execEv
_execApplication.argtypes = []
_execApplication.restype = ctypes.c_int


def heldLoops(owner: Any, name: str) -> Callable[..., int] | None:
    """The function that turns Qt's event loop in place of PySide's, which gives the lock up; None for any other."""
    if name not in ("exec", "exec_"):
        return None
    if isinstance(owner, QtCore.QEventLoop):
        return lambda flags=0: int(_execLoop(shiboken6.getCppPointer(owner)[0], flags))
    if isinstance(owner, QtCore.QCoreApplication):
        return lambda: int(_execApplication())
    return None


def runEventLoop(until: Callable[[], bool], timeoutSeconds: float) -> bool:
    """Turn the event loop until something is true; False when it isn't in time."""
    end = time.monotonic() + timeoutSeconds
    alarm = QtCore.QTimer()
    alarm.setInterval(ALARM_MILLISECONDS)
    alarm.start()
    try:
        while not until():
            if time.monotonic() > end:
                return False
            _processEvents(_WAIT_FOR_MORE_EVENTS)
        return True
    finally:
        alarm.stop()


def processEvents(milliseconds: float = 0) -> None:
    """Turn the event loop for a while, at least once; objects whose deletion was put off are deleted."""
    end = time.monotonic() + milliseconds / 1000
    _processEvents(0)
    runEventLoop(lambda: time.monotonic() >= end, milliseconds / 1000 + 1)
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
