"""What concerns the slices of a volume together, in the Model section."""

from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, selectEntry


class VolumeSettings(Section):
    """What a sample is one draw of, and smoothing across slices, whose number is bound to the parameter node.

    Both are off, and say why, where they would do nothing.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._noise, self._smoothing = ui.noiseComboBox, ui.smoothingSpinBox
        offerEntries(self._noise, [("slice", _("Slice by slice")), ("volume", _("As whole volumes"))])
        self._noise.connect("currentIndexChanged(int)", self._onNoise)

    def refresh(self) -> None:
        """Show the choices of the scene."""
        parameters = self._logic.parameters
        if parameters is None:
            return
        selectEntry(self._noise, parameters.noise, parameters.noise)
        reason = self._reason(parameters.model)
        for widget, words in ((self._noise, _noiseText()), (self._smoothing, _smoothingText())):
            widget.enabled = not reason
            widget.toolTip = reason or words

    def _reason(self, model: str) -> str:
        """Why neither does anything; empty when they do."""
        if isZeroShot(model):
            return _("A method without training data draws no samples and treats each slice by itself.")
        image = self._logic.volumeNode.GetImageData() if self._logic.volumeNode is not None else None
        if image is not None and 1 in image.GetDimensions():
            return _("This image is a single slice: it has no neighbors.")
        return ""

    def _onNoise(self) -> None:
        if self._logic.parameters is not None and self._noise.currentIndex >= 0:
            self._logic.parameters.noise = self._noise.currentData


def _noiseText() -> str:
    return _(
        "Slice by slice, as published: the samples of a slice know nothing of those of its neighbors. As whole "
        "volumes: each sample is one answer for the whole volume, and the spread of its volume in ml is told when "
        "“Stop when the result is settled” is off."
    )


def _smoothingText() -> str:
    return _(
        "Evens the result out over neighboring slices: gaps in single slices close and stray spots go. Start with the "
        "distance of two slices; too much takes small things away."
    )
