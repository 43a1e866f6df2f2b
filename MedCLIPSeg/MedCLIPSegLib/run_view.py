"""The widgets that show a run: the Apply button, the progress bar and the status line."""

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.run_text import progressText

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress


class RunView:
    """Shows whether a run is under way, how far it is and what came of it.

    Args:
        ui: the panel's named widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._button = ui.applyButton
        self._bar = ui.progressBar
        self._status = ui.statusLabel

    def showIdle(self, canApply: bool) -> None:
        """Offer Apply when there is enough input for it."""
        self._button.text = _("Apply")
        self._button.enabled = canApply
        self._bar.visible = False

    def showRunning(self) -> None:
        """Offer Cancel."""
        self._button.text = _("Cancel")
        self._button.enabled = True
        self._bar.visible = True

    def block(self) -> None:
        """Refuse clicks while a question is open."""
        self._button.enabled = False

    def showProgress(self, progress: "Progress") -> None:
        """Move the bar and say where the run is."""
        self._bar.value = round(progress.fraction * self._bar.maximum)
        self._status.text = progressText(progress)

    def showStatus(self, text: str) -> None:
        """Put the bar back and show a line."""
        self._bar.value = 0
        self._status.text = text
