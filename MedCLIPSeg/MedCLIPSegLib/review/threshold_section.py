"""The Threshold section: moves the boundary of segments on their stored probability."""

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import oneShot, silenced
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.scene.threshold import LiveThreshold

SETTLE_MILLISECONDS = 300


class ThresholdSection(Section):
    """A slider for the selected row, or for all rows together.

    While the slider moves, only the voxels follow; records, rows and statistics follow when it has come to rest.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._slider, self._all = (
            ui.thresholdCollapsibleButton,
            ui.thresholdSlider,
            ui.thresholdAllCheckBox,
        )
        self._live: dict[str, LiveThreshold] | None = None
        self._settled = oneShot(self.finish, SETTLE_MILLISECONDS)
        self._slider.connect("valueChanged(double)", self._onValueChanged)

    def refresh(self) -> None:
        """Show the threshold of the selected row; leaves the slider alone while it moves."""
        row = self._logic.currentRow
        self._section.enabled = row is not None and not self._logic.isRunning
        self._section.text = _("Threshold: {name}").format(name=_short(row.label)) if row else _("Threshold")
        if row is not None and self._live is None:
            with silenced(self._slider):
                self._slider.value = row.threshold

    def finish(self) -> None:
        """Record the new thresholds; called when the slider has come to rest and before anything else happens."""
        self._settled.stop()
        live, self._live = self._live, None
        if live is None:
            return
        value = self._slider.value
        with self._logic.sayingErrors():
            for threshold in live.values():
                threshold.finish()
        for rowId in live:
            self._logic.rows.update(rowId, threshold=value)
        for row in self._rowsToMove():
            if row.rowId not in live and self._logic.segmentOf(row) is None:
                self._logic.rows.update(row.rowId, threshold=value)
        self._logic.changed()

    def cleanup(self) -> None:
        """Forget everything: the panel goes away or the scene closes."""
        self._settled.stop()
        self._live = None

    def _onValueChanged(self, value: float) -> None:
        try:
            if self._live is None:
                self._live = self._begin()
            for threshold in self._live.values():
                threshold.apply(value)
        except MedCLIPSegError as error:
            self._live = None
            self._logic.said(str(error))
            self.refresh()
            return
        self._settled.start()

    def _begin(self) -> "dict[str, LiveThreshold]":
        """Take hold of the segments to move; undo brings back what they are now.

        Raises:
            MedCLIPSegError: the only segment there is to move cannot be.
        """
        from MedCLIPSegLogic.scene.threshold import LiveThreshold

        segmentation, volumeNode = self._logic.segmentationNode, self._logic.volumeNode
        live: dict[str, LiveThreshold] = {}
        found = [(row, self._logic.segmentOf(row), self._logic.mapOf(row, "Probability")) for row in self._rowsToMove()]
        if any(segmentId is not None and mapNode is not None for _row, segmentId, mapNode in found):
            self._logic.saveStateForUndo(segmentation)
        for row, segmentId, mapNode in found:
            if segmentId is None or mapNode is None:
                continue
            try:
                live[row.rowId] = LiveThreshold(segmentation, segmentId, mapNode, volumeNode)
            except MedCLIPSegError as error:
                if len(found) == 1:
                    raise
                self._logic.said(str(error))  # the others move all the same
        return live

    def _rowsToMove(self) -> list[PromptRow]:
        if self._all.checked:
            return list(self._logic.rows)
        row = self._logic.currentRow
        return [row] if row is not None else []


def _short(text: str, limit: int = 22) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
