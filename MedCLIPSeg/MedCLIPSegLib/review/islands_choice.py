"""Which islands of a segment are kept, in the Threshold section."""

from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import EDITED, PromptRow
from MedCLIPSegLib.review.island_words import removedText, unitWord
from MedCLIPSegLib.review.live_rows import LiveRows
from MedCLIPSegLib.review.uncertainty_note import hasNoSamples
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, silenced

SIZE = "size"
"""Key of the entry whose rule is the number beside it."""


class IslandsChoice(Section):
    """A choice and a least size for the selected row or for all rows, and a line on what was removed.

    A row without a segment keeps the rule for its run.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, live: LiveRows) -> None:
        super().__init__(ui, logic)
        self._live = live
        self._choice, self._size, self._note = ui.islandsComboBox, ui.islandsSpinBox, ui.islandsNoteLabel
        offerEntries(self._choice, [("all", _("All")), ("largest", _("The largest")), (SIZE, _("At least"))])
        self._choice.connect("currentIndexChanged(int)", self._onChanged)
        self._size.connect("valueChanged(double)", self._onChanged)

    def refresh(self) -> None:
        """Show the rule of the selected row; leaves the widgets alone while it changes."""
        row = self._logic.currentRow
        measure = self._measure()
        with silenced(self._choice), silenced(self._size):
            self._size.decimals = 1 if measure[1].startswith("mm") else 0
            if row is not None and not self._live.areMoving:
                isSize = not isinstance(row.islands, str)
                self._choice.currentIndex = self._choice.findData(SIZE if isSize else row.islands)
                if isSize:
                    self._size.value = row.islands
        self._size.visible = self._choice.currentData == SIZE
        self._size.suffix = f" {unitWord(measure[1])}"
        hasOwnRule = row is not None and self._hasOwnRule(row)
        for widget in (self._choice, self._size):
            widget.enabled = row is not None and not hasOwnRule
            widget.toolTip = _ownRuleText() if hasOwnRule else _text()
        self._note.text = self._removed(row, measure)
        self._note.visible = bool(self._note.text)

    def _onChanged(self) -> None:
        self._size.visible = self._choice.currentData == SIZE
        rule = self._size.value if self._choice.currentData == SIZE else self._choice.currentData
        if not self._live.change(islands=rule):
            self.refresh()

    def _measure(self) -> tuple[float, str]:
        """Size of a voxel and its unit."""
        volumeNode = self._logic.volumeNode
        if volumeNode is None or volumeNode.GetImageData() is None:
            return 1.0, "voxels"
        from MedCLIPSegLogic.scene.volumes import outline_of

        return outline_of(volumeNode).voxel_measure

    def _hasOwnRule(self, row: PromptRow) -> bool:
        """Whether the parts of a segment, there or to come, are chosen by a method without training data."""
        segment = self._segment(row)
        if segment is not None:
            return hasNoSamples(segment)
        return self._logic.parameters is not None and isZeroShot(self._logic.parameters.model)

    def _removed(self, row: PromptRow | None, measure: tuple[float, str]) -> str:
        segment = self._segment(row)
        if row is None or segment is None or self._logic.stateOf(row) == EDITED:
            return ""
        from MedCLIPSegLogic.scene.tags import removed_islands_of

        removed = removed_islands_of(segment)
        return removedText(removed["count"], removed["voxels"], measure) if removed is not None else ""

    def _segment(self, row: PromptRow | None) -> Any:
        segmentId, segmentation = self._logic.segmentOf(row), self._logic.segmentationNode
        if segmentation is None or segmentId is None:
            return None
        return segmentation.GetSegmentation().GetSegment(segmentId)


def _text() -> str:
    return _(
        "Connected parts of the segment that are kept. “The largest” leaves one, also where there are two things. Acts "
        "at once, can be taken back, and is recorded with what it removes."
    )


def _ownRuleText() -> str:
    return _("A method without training data has a rule of its own for parts; see Details in Model.")
