"""Gives the worker its time while the event loop turns."""

from collections.abc import Callable

import qt

from MedCLIPSegLib.worker import Worker, WorkerEvent

WAIT_SECONDS = 0.02


class Pump:
    """Waits for the worker without Python's lock, a little at every turn of the event loop, until it is idle.

    Slicer's main thread holds the lock while it sits in the event loop. A worker gets to work only while Python code
    of the main thread waits.

    Args:
        worker: works on its own thread.
        onEvent: takes each of its events, on the main thread.
    """

    def __init__(self, worker: Worker, onEvent: Callable[[WorkerEvent], None]) -> None:
        self._worker = worker
        self._onEvent = onEvent
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._tick)

    def start(self) -> None:
        """Go on until the worker is idle."""
        self._timer.start()

    def stop(self) -> None:
        """Stop at once; events wait in the worker."""
        self._timer.stop()

    def _tick(self) -> None:
        for event in self._worker.poll(WAIT_SECONDS):
            self._onEvent(event)
        if self._worker.isIdle:
            self._timer.stop()
