"""The Threshold section: moves the boundary of segments on their stored probability, and keeps some islands of them."""

from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.review.islands_choice import IslandsChoice
from MedCLIPSegLib.review.live_rows import LiveRows
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import silenced


class ThresholdSection(Section):
    """A slider and a choice of islands for the selected row, or for all rows together."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._slider, self._all = (
            ui.thresholdCollapsibleButton,
            ui.thresholdSlider,
            ui.thresholdAllCheckBox,
        )
        self._live = LiveRows(logic, self._rowsToMove)
        self._islands = IslandsChoice(ui, logic, self._live)
        self._slider.connect("valueChanged(double)", self._onValueChanged)

    def refresh(self) -> None:
        """Show the values of the selected row; leaves the slider alone while it moves."""
        row = self._logic.currentRow
        self._section.enabled = row is not None and not self._logic.isRunning
        self._section.text = _("Threshold: {name}").format(name=_short(row.label)) if row else _("Threshold")
        if row is not None and not self._live.areMoving:
            with silenced(self._slider):
                self._slider.value = row.threshold
        self._islands.refresh()

    def finish(self) -> None:
        """Record the new values; called before anything else happens."""
        self._live.finish()

    def cleanup(self) -> None:
        """Forget everything: the panel goes away or the scene closes."""
        self._live.forget()

    def _onValueChanged(self, value: float) -> None:
        if not self._live.change(threshold=value):
            self.refresh()

    def _rowsToMove(self) -> list[PromptRow]:
        if self._all.checked:
            return list(self._logic.rows)
        row = self._logic.currentRow
        return [row] if row is not None else []


def _short(text: str, limit: int = 22) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
