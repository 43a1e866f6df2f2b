"""Downloads of published models, on a worker's thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.pump import Pump
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLib.worker import Job, Worker, WorkerEvent
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.manifest import ZooEntry, consent_text

if TYPE_CHECKING:
    from MedCLIPSegLogic.zoo.hub import DownloadProgress


class ModelDownload:
    """Holds at most one download; it goes on while other modules are shown and while prompts are segmented.

    Args:
        logic: asks the person, installs what is missing, and says how it ended.
    """

    def __init__(self, logic: MedCLIPSegLogic) -> None:
        self.changed: Signal[[]] = Signal()
        """Called with no value when a download begins or ends."""
        self.progressed: Signal[[DownloadProgress]] = Signal()
        """Called with each `DownloadProgress`."""
        self.ended: Signal[[str]] = Signal()
        """Called with the name of a model that is here now."""
        self.entry: ZooEntry | None = None
        self._logic = logic
        self._worker: Worker[DownloadProgress] = Worker()
        self._pump = Pump(self._worker, self._onWorkerEvent)
        self._job: Job | None = None

    def start(self, entry: ZooEntry) -> None:
        """Ask for a yes to size, source and license, then download."""
        if self.entry is not None:
            return
        try:
            self._logic.ensureDependencies()
        except MedCLIPSegError as error:
            self._logic.said(str(error))
            return
        if not self._logic.confirm(_("{facts}\n\nDownload this model?").format(facts=consent_text(entry))):
            return
        self.entry = entry
        self._job = self._worker.submit(lambda: _steps(entry))
        self._pump.start()
        self.changed()

    def cancel(self) -> None:
        """End the download; what was received is kept for the next time."""
        if self._job is not None:
            self._job.cancel()

    def shutDown(self) -> None:
        """End for good: the module is unloaded or the application quits."""
        self._pump.stop()
        self._worker.shutdown()

    def _onWorkerEvent(self, event: WorkerEvent[DownloadProgress]) -> None:
        if self.entry is None or event.job is not self._job:
            return
        if event.value is not None:
            self.progressed(event.value)
            return
        entry, isCancelled = self.entry, event.job.isCancelled
        self.entry, self._job = None, None
        if isCancelled:
            self._logic.said(_("The download was cancelled; the next one goes on where it stopped."))
        elif event.error is not None:
            self._logic.said(explained(event.error, "the download failed"))
        else:
            self._logic.said(_("The model “{title}” is on this computer now.").format(title=entry.title))
            self.ended(entry.name)
        self.changed()


def _steps(entry: ZooEntry) -> Iterator[DownloadProgress]:
    from MedCLIPSegLogic.zoo.download import download

    yield from download(entry, agreed=True)
