"""The settings of the methods without training data, in the Model section."""

from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.panel_logic import PanelLogic
from MedCLIPSegLib.zero_shot_choices import (
    AUTOMATIC,
    METHODS,
    NO_SAM,
    binarizationChoices,
    isZeroShot,
    promptChoices,
    samChoices,
    towersChoices,
)
from MedCLIPSegLogic.model.catalog import describe_model


class ZeroShotSettings:
    """Shown in place of the settings of Monte-Carlo samples when a method without training data is chosen; the least
    confidence is bound to the parameter node.

    Args:
        ui: the panel's named widgets.
        logic: has the choices.
    """

    def __init__(self, ui: Any, logic: PanelLogic) -> None:
        self._logic = logic
        self._widget, self._note = ui.zeroShotWidget, ui.zeroShotNoteLabel
        self._ofSamples = (ui.sampleCountLabel, ui.sampleCountSpinBox, ui.adaptiveCheckBox)
        self._ofSam = (ui.zeroShotPromptsLabel, ui.zeroShotPromptsComboBox)
        self._choices = (
            (ui.zeroShotTowersComboBox, "zeroShotTowers", towersChoices),
            (ui.zeroShotSamComboBox, "zeroShotSam", samChoices),
            (ui.zeroShotPromptsComboBox, "zeroShotPrompts", promptChoices),
            (ui.zeroShotBinarizationComboBox, "zeroShotBinarization", binarizationChoices),
        )
        self._hasSam = False
        for combo, _name, _choices in self._choices:
            combo.connect("currentIndexChanged(int)", self._onChoice)
        self.look()

    def look(self) -> None:
        """Look again at the disk: models come and go."""
        for combo, _name, choices in self._choices:
            was = combo.blockSignals(True)
            combo.clear()
            for key, words in choices():
                combo.addItem(words, key)
            combo.blockSignals(was)
        names = [key for key, _words in samChoices() if key not in (AUTOMATIC, NO_SAM)]
        self._hasSam = any(describe_model(name).on_disk for name in names)

    def refresh(self) -> None:
        """Show the choices of the scene."""
        parameters = self._logic.parameters
        isShown = parameters is not None and isZeroShot(parameters.model)
        self._widget.visible = isShown
        for widget in self._ofSamples:
            widget.visible = not isShown
        if parameters is None or not isShown:
            return
        self._widget.enabled = not self._logic.isRunning
        for combo, name, _choices in self._choices:
            _select(combo, getattr(parameters, name))
        usesSam = parameters.zeroShotSam != NO_SAM and (parameters.zeroShotSam != AUTOMATIC or self._hasSam)
        for widget in self._ofSam:
            widget.visible = usesSam
        self._note.text = self._noteText(parameters.zeroShotSam)
        self._note.visible = bool(self._note.text)

    def missing(self) -> str:
        """Name of a chosen model that is not on this computer; empty when all are."""
        parameters = self._logic.parameters
        chosen = (parameters.zeroShotTowers, parameters.zeroShotSam) if parameters is not None else ()
        wanted = [name for name in chosen if name not in (AUTOMATIC, NO_SAM)]
        return next((name for name in wanted if not describe_model(name).on_disk), "")

    def _noteText(self, sam: str) -> str:
        missing = self.missing()
        if missing:
            return _("{title} is not on this computer: press Download model…, or choose another one.").format(
                title=describe_model(missing).title
            )
        if sam == AUTOMATIC and not self._hasSam:
            return _(
                "No SAM is on this computer, so the result is the coarse mask. To refine it, choose a SAM from the "
                "list and press “Download model…”."
            )
        return _("The result is the coarse mask, not refined by SAM.") if sam == NO_SAM else ""

    def _onChoice(self) -> None:
        parameters = self._logic.parameters
        if parameters is None or not isZeroShot(parameters.model):
            return
        for combo, name, _choices in self._choices:
            if combo.currentIndex >= 0 and getattr(parameters, name) != combo.currentData:
                setattr(parameters, name, combo.currentData)


def methodText(name: str) -> str:
    """What a method does, for people."""
    return _(
        "{method} needs no model trained for the task: it marks where image and prompt agree and refines that with "
        "SAM. Uncertainty is the entropy of the score map; no samples are drawn."
    ).format(method=METHODS[name])


def _select(combo: Any, key: str) -> None:
    """Choose an entry; a model from elsewhere that is not in the list is added, so that the choice is kept."""
    was = combo.blockSignals(True)
    if combo.findData(key) < 0:
        combo.addItem(describe_model(key).title, key)
    combo.currentIndex = combo.findData(key)
    combo.blockSignals(was)
