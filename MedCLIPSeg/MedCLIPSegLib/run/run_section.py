"""The Run section: one button that becomes Cancel, a progress bar and a line of status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.run.result_writing import durationText
from MedCLIPSegLib.run.run_control import CANCELLING, RUNNING
from MedCLIPSegLib.section import Section

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import Progress


class RunSection(Section):
    """Starts and cancels runs and shows how far they are."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._button, self._bar, self._status = ui.runButton, ui.progressBar, ui.statusLabel
        self._cancels = False
        self._said, self._imageId = "", ""
        self._toolTip = self._button.toolTip
        self._button.connect("clicked()", self._onButton)
        logic.runControl.progressed.connect(self._onProgress)
        logic.said.connect(self._say)

    def refresh(self) -> None:
        """Show the state of the run."""
        state = self._logic.runControl.state
        self._forgetOtherImages()
        self._cancels = self._logic.isRunning
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
            obstacle = self._obstacle()
            self._button.enabled = not obstacle
            self._button.toolTip = obstacle or self._toolTip
            self._status.text = self._said or obstacle

    def _obstacle(self) -> str:
        """What is missing for a run; empty when nothing is."""
        if self._logic.volumeNode is None:
            return _("Load an image first, or try a sample.")
        if not any(row.canRun for row in self._logic.rows):
            return _("Type what to look for, then press Enter.")
        return ""

    def _forgetOtherImages(self) -> None:
        """What was said belongs to the image it was said of; what was said of one that went away stays."""
        imageId = self._idOfImage()
        if imageId and imageId != self._imageId and not self._logic.isRunning:
            self._imageId, self._said, self._status.text = imageId, "", ""

    def _idOfImage(self) -> str:
        volumeNode = self._logic.volumeNode
        return volumeNode.GetID() if volumeNode is not None else ""

    def _onButton(self) -> None:
        """Do what the button says: a second click may come before it says something else."""
        if self._cancels:
            self._logic.cancel()
        elif not self._logic.isRunning:
            self._logic.run([row.rowId for row in self._logic.rows if row.canRun])

    def _onProgress(self, progress: Progress) -> None:
        self._bar.value = round(progress.fraction * self._bar.maximum)
        self._say(progressText(progress))

    def _say(self, text: str) -> None:
        self._imageId, self._said, self._status.text = self._idOfImage(), text, text


def progressText(progress: Progress) -> str:
    """Stage, slice, sample or prompt, remaining time and device of a run that is under way."""
    return _("{stage}: slice {slice} of {slices}, {unit} {part} of {parts}; {left} left; {device}").format(
        stage=stageWords()[progress.stage],
        slice=progress.slice_number,
        slices=progress.slice_count,
        unit=unitWords()[progress.unit],
        part=progress.part_number,
        parts=progress.part_count,
        left=durationText(progress.seconds_left),
        device=_("graphics card") if progress.device.startswith("cuda") else _("processor"),
    )


def stageWords() -> dict[str, str]:
    """What the engine is doing, by the code it gives."""
    return {
        "segmenting": _("Segmenting"),
        "smoothing": _("Smoothing across the slices"),
        "looking": _("Looking at the image"),
        "islands": _("Removing islands"),
        "words": _("Finding the words of the prompts"),
    }


def unitWords() -> dict[str, str]:
    """What a slice is done in parts of, by the code the engine gives."""
    return {"sample": _("sample"), "prompt": _("prompt")}
