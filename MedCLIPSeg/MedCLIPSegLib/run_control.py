"""The life of the panel's run."""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.run_text import resultText
from MedCLIPSegLib.run_view import RunView
from MedCLIPSegLib.segmentation_run import SegmentationRun
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import SegmentationResult


class RunControl:
    """Holds at most one run; the panel is idle without one.

    Nodes are remembered by ID only: between two steps the user may delete any of them.

    Args:
        view: shows the run.
        write: puts a result into the scene, given the ID of the image it belongs to.
        onChanged: called whenever a run starts or ends.
    """

    def __init__(
        self, view: RunView, write: Callable[[str, "SegmentationResult"], None], onChanged: Callable[[], None]
    ) -> None:
        self._view = view
        self._write = write
        self._onChanged = onChanged
        self._run: SegmentationRun | None = None
        self._inputId = ""

    @property
    def isRunning(self) -> bool:
        """True while a run is under way."""
        return self._run is not None

    def start(self, steps: Iterator[Any], inputId: str) -> None:
        """Begin a run.

        Args:
            steps: the engine's generator.
            inputId: node ID of the image.
        """
        from MedCLIPSegLogic.inference.result import SegmentationResult

        self._inputId = inputId
        self._run = SegmentationRun(
            steps,
            isResult=lambda event: isinstance(event, SegmentationResult),
            onProgress=self._view.showProgress,
            onResult=self._finish,
            onFailure=self.fail,
        )
        self._view.showStatus(_("Loading the model…"))
        self._onChanged()
        self._run.start()

    def drop(self, reason: str) -> None:
        """End the run, if any, without writing anything."""
        if self._run is None:
            return
        self._run.cancel()
        self._end(reason)

    def dropIfInput(self, nodeId: str) -> None:
        """End the run when the node that goes away is its image."""
        if nodeId == self._inputId:
            self.drop(_("The input image was deleted, so the run was stopped; nothing was written."))

    def fail(self, error: Exception) -> None:
        """Say why there is no result; what the user cannot mend goes to the log with its trace."""
        if not isinstance(error, MedCLIPSegError):
            logging.error("MedCLIPSeg: the run failed", exc_info=error)
        self._end(str(error) or type(error).__name__)

    def _finish(self, result: "SegmentationResult") -> None:
        try:
            self._write(self._inputId, result)
        except Exception as error:
            self.fail(error)
        else:
            self._end(resultText(result))

    def _end(self, status: str) -> None:
        self._run = None
        self._inputId = ""
        self._view.showStatus(status)
        self._onChanged()
