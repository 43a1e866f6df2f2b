"""Downloads of published models: the hub is asked for the size, the person for a yes; the network waits on a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
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
        self._agreed = False
        self._sizes: list[int | None] = []

    def start(self, entry: ZooEntry) -> None:
        """Ask the hub for the size, then for a yes to size, source and license, then download."""
        if self.entry is not None:
            return
        try:
            self._logic.ensureDependencies()
        except MedCLIPSegError as error:
            self._logic.said(str(error))
            return
        self.entry, self._agreed, self._sizes = entry, False, []
        self._submit(partial(_askingSteps, entry, self._sizes))
        self.changed()

    def cancel(self) -> None:
        """End the download; what was received is kept for the next time."""
        if self._job is not None:
            self._job.cancel()

    def shutDown(self) -> None:
        """End for good: the module is unloaded or the application quits."""
        self.entry = None
        self._pump.stop()
        self._worker.shutdown()

    def _submit(self, makeSteps: Callable[[], Iterator[DownloadProgress]]) -> None:
        self._job = self._worker.submit(makeSteps)
        self._pump.start()

    def _onWorkerEvent(self, event: WorkerEvent[DownloadProgress]) -> None:
        if self.entry is None or event.job is not self._job:
            return
        if event.value is not None:
            self.progressed(event.value)
        elif event.job.isCancelled:
            self._end(_("The download was cancelled; the next one goes on where it stopped."))
        elif event.error is not None:
            self._end(explained(event.error, "the download failed"))
        elif self._agreed:
            self._end(_("The model “{title}” is on this computer now.").format(title=self.entry.title), here=True)
        else:
            self._confirm(self.entry)

    def _confirm(self, entry: ZooEntry) -> None:
        facts = consent_text(entry, self._sizes[0] if self._sizes else None)
        self._agreed = self._logic.confirm(_("{facts}\n\nDownload this model?").format(facts=facts))
        if self.entry is None:  # the panel was closed meanwhile
            return
        if self._agreed:
            self._submit(partial(_downloadSteps, entry))
        else:
            self._end("")

    def _end(self, words: str, here: bool = False) -> None:
        """Say how it ended; `here` when the model is on this computer now."""
        entry, self.entry, self._job = self.entry, None, None
        if words:
            self._logic.said(words)
        if here and entry is not None:
            self.ended(entry.name)
        self.changed()


def _askingSteps(entry: ZooEntry, sizes: list[int | None]) -> Iterator[DownloadProgress]:
    from MedCLIPSegLogic.zoo.hub import ask_size

    sizes.append((yield from ask_size(entry.file)))


def _downloadSteps(entry: ZooEntry) -> Iterator[DownloadProgress]:
    from MedCLIPSegLogic.zoo.download import download

    yield from download(entry, agreed=True)
