"""The life of the panel's run."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.prompts.prompt_rows import FAILED, QUEUED
from MedCLIPSegLib.prompts.prompt_rows import RUNNING as ROW_RUNNING
from MedCLIPSegLib.pump import Pump
from MedCLIPSegLib.run.order import RunOrder
from MedCLIPSegLib.run.result_writing import writeResult
from MedCLIPSegLib.run.torch_import import importTorch, withoutCollections
from MedCLIPSegLib.scene_state import SceneState
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLib.widgets import turnTimer
from MedCLIPSegLib.worker import Job, Worker, WorkerEvent
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress, SegmentationResult, SlicePreview
    from MedCLIPSegLogic.runs.models import Models
    from MedCLIPSegLogic.scene.run_preview import RunPreview

IDLE, RUNNING, CANCELLING, WRITING = "idle", "running", "cancelling", "writing"


class RunControl:
    """Holds at most one run: idle → running → writing → idle, or running → cancelling → idle.

    The engine works on the worker's thread; everything here happens on the main thread. Nodes are remembered by ID
    only: between two events the user may delete any of them. Results are written one small step per turn of the event
    loop, so that the panel stays alive.

    Args:
        scene: where results go; its rows tell how far the run is.
    """

    def __init__(self, scene: SceneState) -> None:
        self.progressed: Signal[[Progress]] = Signal()
        """Called with each `Progress` of the engine."""
        self.ended: Signal[[str, Exception | None]] = Signal()
        """Called with what came of a run in words, and the error or None, once a run."""
        self.state = IDLE
        self.order: RunOrder | None = None
        self._scene = scene
        self._models: Models | None = None
        self._worker: Worker[Progress | SlicePreview | SegmentationResult] = Worker()
        self._pump = Pump(self._worker, self._onWorkerEvent)
        self._job: Job | None = None
        self._preview: RunPreview | None = None
        self._result: SegmentationResult | None = None
        self._writing: Generator[None, None, str] | None = None
        self._writeTimer = turnTimer(self._writeStep)
        self._reason = ""
        # Translating asks Qt, which is for the main thread alone; hence here.
        self._brokenTorch = _(
            "PyTorch is installed but does not start ({reason}). Uninstall and reinstall it in the PyTorch Utils "
            "module, then restart Slicer."
        )

    def start(self, order: RunOrder) -> None:
        """Begin a run.

        Raises:
            MedCLIPSegError: another run is under way.
        """
        from MedCLIPSegLogic.scene.run_preview import RunPreview

        if self.state != IDLE:
            raise MedCLIPSegError(_("A run is still under way; wait for its end or cancel it."))
        volumeNode = slicer.mrmlScene.GetNodeByID(order.volumeId)
        self._preview = RunPreview(
            slicer.mrmlScene, volumeNode, [row.color for row in order.rows], [row.threshold for row in order.rows]
        )
        self.order, self._result, self._reason = order, None, ""
        self._job = self._worker.submit(lambda: self._events(order))
        self.state = RUNNING
        self._scene.setStates(order.rows, QUEUED)
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
        self.state = CANCELLING
        self._scene.changed()

    def drop(self, reason: str) -> None:
        """End the run, even while it is being written: the scene it belongs to goes away."""
        if self.state == WRITING:
            self._end(reason, None)
        else:
            self.cancel(reason)

    def finishWriting(self) -> None:
        """Write what is left of a result at once: half a result is worse than a moment's wait."""
        while self.state == WRITING:
            self._writeStep()

    def shutDown(self) -> None:
        """End everything for good: the module is unloaded or the application quits."""
        self._stopWriting()
        self._removePreview()
        self._pump.stop()
        self._worker.shutdown()
        self.state, self.order = IDLE, None

    def _events(self, order: RunOrder) -> Iterator[Progress | SlicePreview | SegmentationResult]:
        """What the engine tells; on the worker's thread."""
        with withoutCollections():
            try:
                importTorch()
            except Exception as error:
                raise MedCLIPSegError(self._brokenTorch.format(reason=error)) from error
            from MedCLIPSegLogic.runs.models import Models

            self._models = self._models or Models()
            events = self._models.events(order.prepared, previews=True)
            first = next(events, None)  # imports the engine and loads the model
        if first is not None:
            yield first
        yield from events

    def _onWorkerEvent(self, event: WorkerEvent[Progress | SlicePreview | SegmentationResult]) -> None:
        from MedCLIPSegLogic.inference.result import Progress, SegmentationResult

        if event.job is not self._job:
            return
        try:
            if event.error is not None:
                self._fail(event.error)
            elif event.isLast:
                self._onEngineEnd()
            elif isinstance(event.value, SegmentationResult):
                self._result = event.value
            elif self.state != RUNNING or self._preview is None or self.order is None:
                return
            elif isinstance(event.value, Progress):
                if self._scene.stateOf(self.order.rows[0]) != ROW_RUNNING:
                    self._scene.setStates(self.order.rows, ROW_RUNNING)
                self.progressed(event.value)
            elif event.value is not None:
                self._preview.show(event.value)
        except Exception as error:  # an exception that leaves a slot is only printed
            event.job.cancel()
            self._fail(error)

    def _onEngineEnd(self) -> None:
        if self.state == CANCELLING or self._result is None or self.order is None:
            self._end(self._reason or _("The run ended without a result."), None)
            return
        self.state = WRITING
        self._scene.changed()
        self._writing = writeResult(self._scene, self.order, self._result)
        self._writeTimer.start()

    def _writeStep(self) -> None:
        if self._writing is None:
            return
        try:
            next(self._writing)
        except StopIteration as end:
            self._end(end.value, None)
        except Exception as error:  # an exception that leaves a slot is only printed
            self._fail(error)

    def _stopWriting(self) -> None:
        self._writeTimer.stop()
        steps, self._writing = self._writing, None
        if steps is not None:
            steps.close()

    def _fail(self, error: BaseException) -> None:
        """Say why there is no result."""
        if self.state == CANCELLING:
            self._end(self._reason, None)
        elif self.state != IDLE:
            failure = error if isinstance(error, Exception) else RuntimeError(error)
            self._end(explained(error, "the run failed"), failure)

    def _end(self, text: str, error: Exception | None) -> None:
        rows = self.order.rows if self.order is not None else ()
        self._stopWriting()
        self._removePreview()
        self.order, self._job, self._result = None, None, None
        self.state = IDLE
        self._scene.setStates(rows, FAILED if error is not None else None)
        self.ended(text, error)

    def _removePreview(self) -> None:
        preview, self._preview = self._preview, None
        if preview is not None:
            preview.remove()
