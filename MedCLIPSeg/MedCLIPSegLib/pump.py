"""Gives the worker its time while the event loop turns."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from MedCLIPSegLib.widgets import turnTimer
from MedCLIPSegLib.worker import Worker, WorkerEvent

T = TypeVar("T")

WAIT_SECONDS = 0.02
"""Time for the worker at each turn of the event loop: short enough for a live panel, long enough for its full speed."""


class Pump(Generic[T]):
    """Waits for the worker without Python's lock, a little at every turn of the event loop, until it is idle.

    Slicer's main thread holds the lock while it sits in the event loop. A worker gets to work only while Python code
    of the main thread waits.

    Args:
        worker: works on its own thread.
        onEvent: takes each of its events, on the main thread and in their order.
    """

    def __init__(self, worker: Worker[T], onEvent: Callable[[WorkerEvent[T]], None]) -> None:
        self._worker = worker
        self._onEvent = onEvent
        self._events: deque[WorkerEvent[T]] = deque()
        self._isRunning = False
        self._timer = turnTimer(self._tick)

    def start(self) -> None:
        """Go on until the worker is idle."""
        self._isRunning = True
        self._timer.start()

    def stop(self) -> None:
        """Hand out nothing more until the next start; events wait meanwhile."""
        self._isRunning = False
        self._timer.stop()

    def _tick(self) -> None:
        if not self._isRunning:
            return
        self._events.extend(self._worker.poll(WAIT_SECONDS))
        # What takes an event may stop the pump, or turn the event loop and with it come back here.
        while self._isRunning and self._events:
            self._onEvent(self._events.popleft())
        if self._isRunning and self._worker.isIdle:
            self.stop()
