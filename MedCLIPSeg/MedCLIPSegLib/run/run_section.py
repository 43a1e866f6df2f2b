"""The Run section: one button that becomes Cancel, a progress bar and a line of status."""

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.run.run_control import CANCELLING, RUNNING
from MedCLIPSegLib.run.run_text import progressText

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress


class RunSection:
    """Starts and cancels runs and shows how far they are.

    Args:
        ui: the panel's named widgets.
        logic: runs.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        self._button, self._bar, self._status = ui.runButton, ui.progressBar, ui.statusLabel
        self._logic = logic
        self._button.connect("clicked()", self._onButton)
        logic.progressed.connect(self._onProgress)
        logic.said.connect(self._say)

    def refresh(self) -> None:
        """Show the state of the run."""
        state = self._logic.runControl.state
        self._bar.visible = self._logic.isRunning
        if state == RUNNING:
            self._button.text = _("Cancel")
            self._button.enabled = True
        elif self._logic.isRunning:
            self._button.text = _("Cancelling…") if state == CANCELLING else _("Cancel")
            self._button.enabled = False
        else:
            self._bar.value = 0
            self._button.text = _("Segment all prompts")
            self._button.enabled = self._logic.volumeNode is not None and any(row.canRun for row in self._logic.rows)

    def _onButton(self) -> None:
        if self._logic.isRunning:
            self._logic.cancel()
        else:
            self._logic.run([row.rowId for row in self._logic.rows if row.canRun])

    def _onProgress(self, progress: "Progress") -> None:
        self._bar.value = round(progress.fraction * self._bar.maximum)
        order = self._logic.runControl.order
        self._status.text = progressText(progress, order is not None and order.zeroShot is not None)

    def _say(self, text: str) -> None:
        self._status.text = text
