"""The life of the panel's run."""

import logging
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Protocol

from slicer.i18n import tr as _

from MedCLIPSegLib.run.event_loop_steps import EventLoopSteps
from MedCLIPSegLib.run.pump import Pump
from MedCLIPSegLib.run.run_order import RunOrder
from MedCLIPSegLib.run.worker import Job, Worker, WorkerEvent
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import SegmentationResult, SlicePreview

IDLE, RUNNING, CANCELLING, WRITING = "idle", "running", "cancelling", "writing"


class Preview(Protocol):
    """Shows the run in the slice views while it goes on."""

    def show(self, preview: "SlicePreview") -> None:
        """Show what is known of one slice so far."""

    def remove(self) -> None:
        """Leave the views as they were before."""


class RunControl:
    """Holds at most one run: idle → running → writing → idle, or running → cancelling → idle.

    The engine works on the worker's thread; everything here happens on the main thread. Nodes are remembered by ID
    only: between two events the user may delete any of them.

    Args:
        steps: makes the engine's generator of an order; called on the worker's thread.
        preview: makes the preview of a run.
        write: writes a result in small steps.
    """

    def __init__(
        self,
        steps: Callable[[RunOrder], Any],
        preview: Callable[[RunOrder], Preview],
        write: Callable[[RunOrder, "SegmentationResult"], Generator[None, None, str]],
    ) -> None:
        self.changed = Signal()
        """Called with no value when the state changes."""
        self.progressed = Signal()
        """Called with each `Progress` of the engine."""
        self.ended = Signal()
        """Called with the order, what came of it in words, and the error or None, once a run."""
        self.state = IDLE
        self.order: RunOrder | None = None
        self._makeSteps, self._makePreview, self._write = steps, preview, write
        self._worker = Worker(isProgress=_isProgress)
        self._pump = Pump(self._worker, self._onWorkerEvent)
        self._job: Job | None = None
        self._preview: Preview | None = None
        self._result: SegmentationResult | None = None
        self._writing: EventLoopSteps | None = None
        self._reason = ""

    def start(self, order: RunOrder) -> None:
        """Begin a run.

        Raises:
            MedCLIPSegError: another run is under way.
        """
        if self.state != IDLE:
            raise MedCLIPSegError(_("A run is still under way; wait for its end or cancel it."))
        self.order, self._result, self._reason = order, None, ""
        self._preview = self._makePreview(order)
        self._job = self._worker.submit(lambda: self._makeSteps(order))
        self._enter(RUNNING)
        self._pump.start()

    def cancel(self, reason: str) -> None:
        """End the run, if any, without writing anything; ``reason`` is said when it has ended.

        Does nothing once the results are being written.
        """
        if self.state != RUNNING or self._job is None:
            return
        self._reason = reason
        self._job.cancel()
        self._removePreview()
        self._enter(CANCELLING)

    def drop(self, reason: str) -> None:
        """End the run, even while it is being written: the scene it belongs to goes away."""
        if self.state == WRITING and self._writing is not None:
            self._writing.drop()
            self._end(reason, None)
        else:
            self.cancel(reason)

    def shutDown(self) -> None:
        """End everything for good: the module is unloaded or the application quits."""
        if self._writing is not None:
            self._writing.drop()
        self._removePreview()
        self._pump.stop()
        self._worker.shutdown()
        self.state, self.order = IDLE, None

    def _onWorkerEvent(self, event: WorkerEvent) -> None:
        from MedCLIPSegLogic.inference.result import SegmentationResult, SlicePreview

        if event.job is not self._job:
            return
        try:
            if event.kind == "failed":
                self._fail(event.value)
            elif event.kind == "finished":
                self._onEngineEnd()
            elif isinstance(event.value, SegmentationResult):
                self._result = event.value
            elif self.state == RUNNING and isinstance(event.value, SlicePreview):
                if self._preview is not None:
                    self._preview.show(event.value)
            elif self.state == RUNNING:
                self.progressed(event.value)
        except Exception as error:  # an exception that leaves a slot is only printed
            event.job.cancel()
            self._fail(error)

    def _onEngineEnd(self) -> None:
        if self.state == CANCELLING or self._result is None:
            self._end(self._reason or _("The run ended without a result."), None)
            return
        self._enter(WRITING)
        self._writing = EventLoopSteps(self._write(self.order, self._result), self._onWritten, self._fail)
        self._writing.start()

    def _onWritten(self, text: str) -> None:
        self._end(text, None)

    def _fail(self, error: Exception) -> None:
        """Say why there is no result; what the user cannot mend goes to the log with its trace."""
        if self.state == IDLE:
            return
        if self.state == CANCELLING:
            self._end(self._reason, None)
            return
        if not isinstance(error, MedCLIPSegError):
            logging.error("MedCLIPSeg: the run failed", exc_info=error)
        self._end(str(error) or type(error).__name__, error)

    def _end(self, text: str, error: Exception | None) -> None:
        order = self.order
        self._removePreview()
        self.order, self._job, self._result, self._writing = None, None, None, None
        self.state = IDLE
        self.ended(order, text, error)
        self.changed()

    def _removePreview(self) -> None:
        preview, self._preview = self._preview, None
        if preview is not None:
            preview.remove()

    def _enter(self, state: str) -> None:
        self.state = state
        self.changed()


def _isProgress(value: Any) -> bool:
    return type(value).__name__ == "Progress"
