"""The verdict on the answer to the selected prompt, and the ways on, below the table."""

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import EMPTY
from MedCLIPSegLib.prompts.row_edits import RowEdits
from MedCLIPSegLib.prompts.state_words import verdictText
from MedCLIPSegLib.section import Section

CHIPS = 4
SHORT = 14
"""Letters of a suggestion that fits into half the width of a narrow panel."""
ICON_SIZE = 16


class VerdictLine(Section):
    """One sentence, suggestions to ask instead by one click or Enter, and the way to see a held-back answer."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._frame, self._grid = ui.promptsCollapsibleButton, ui.verdictFrame, ui.suggestionsLayout
        self._icon, self._label, self._anyway = ui.verdictIconLabel, ui.verdictLabel, ui.showAnywayButton
        self._chips = [getattr(ui, f"suggestionButton{number}") for number in range(1, CHIPS + 1)]
        self._edits = RowEdits(logic)
        self._icons = {kind: _pixmap(icon) for kind, icon in _icons().items()}
        self._suggestions: tuple[str, ...] = ()
        for number, chip in enumerate(self._chips):
            chip.visible = False
            chip.connect("clicked()", lambda number=number: self._ask(number))
        self._anyway.connect("clicked()", self._showAnyway)
        self._section.connect("contentsCollapsed(bool)", self.refresh)

    def refresh(self) -> None:
        """Show the verdict of the selected row."""
        if self._section.collapsed:
            return
        row = self._logic.currentRow
        verdict = self._logic.verdictOf(row)
        self._frame.visible = verdict is not None
        if row is None or verdict is None:
            return
        self._icon.setPixmap(self._icons[verdict.kind])
        self._label.text = verdictText(verdict)
        if verdict.suggestions[:CHIPS] != self._suggestions:
            self._suggestions = verdict.suggestions[:CHIPS]
            self._place()
        for chip, _suggestion in zip(self._chips, self._suggestions, strict=False):
            chip.enabled = not self._logic.isRunning
        self._anyway.visible = verdict.is_unknown and self._logic.stateOf(row) == EMPTY
        self._anyway.enabled = not self._logic.isRunning

    def _place(self) -> None:
        """Put short suggestions side by side and give long ones a line of their own."""
        line, column = 0, 0
        for chip in self._chips:
            self._grid.removeWidget(chip)
            chip.visible = False
        for chip, suggestion in zip(self._chips, self._suggestions, strict=False):
            isShort = len(suggestion) <= SHORT
            if column == 1 and not isShort:
                line, column = line + 1, 0
            self._grid.addWidget(chip, line, column, 1, 1 if isShort else 2)
            line, column = (line, 1) if isShort and column == 0 else (line + 1, 0)
            room = max(200, self._frame.width - 40)
            shown = chip.fontMetrics().elidedText(suggestion, qt.Qt.ElideRight, room)
            chip.text = shown.replace("&", "&&")
            chip.toolTip = _("Ask for “{prompt}” instead").format(prompt=suggestion)
            chip.visible = True

    def _ask(self, number: int) -> None:
        row = self._logic.currentRow
        if row is None or number >= len(self._suggestions):
            return
        if not self._logic.isRunning:
            row = self._edits.askInstead(row, self._suggestions[number])
            self._ui.promptLineEdit.setFocus()  # the button goes away
        self._logic.run([row.rowId])

    def _showAnyway(self) -> None:
        row = self._logic.currentRow
        if row is not None:
            self._ui.promptLineEdit.setFocus()
            self._logic.run([row.rowId], showAnyway=True)


def _icons() -> dict[str, Any]:
    return {
        "found": qt.QStyle.SP_DialogApplyButton,
        "absent": qt.QStyle.SP_MessageBoxInformation,
        "not-understood": qt.QStyle.SP_MessageBoxQuestion,
        "foreign-image": qt.QStyle.SP_MessageBoxQuestion,
        "doubtful": qt.QStyle.SP_MessageBoxWarning,
    }


def _pixmap(icon: Any) -> Any:
    return slicer.app.style().standardIcon(icon).pixmap(ICON_SIZE, ICON_SIZE)
