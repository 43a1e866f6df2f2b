"""The table of prompts: one row per segment."""

from typing import Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_lists import PromptLists
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.prompts.row_edits import RowEdits
from MedCLIPSegLib.prompts.state_words import stateWords, verdictText, verdictWords
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import setCell, setHeaders, shortcut, silenced

COLOR, NAME, PROMPT, STATE, THRESHOLD = range(5)
NAME_WIDTH = 60


class PromptTable(Section):
    """Shows the rows and lets people change, run and order them."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._table = ui.promptTable
        self._edits = RowEdits(logic)
        self._lists = PromptLists(ui, logic)
        self._words, self._verdictWords = stateWords(), verdictWords()
        self._shownIds: list[str] = []
        self._setUpColumns()
        self._table.connect("cellChanged(int,int)", self._onCellChanged)
        self._table.connect("cellDoubleClicked(int,int)", self._onDoubleClick)
        self._table.connect("currentCellChanged(int,int,int,int)", self._onCurrentCellChanged)
        self._keys = [shortcut(key, self._table, self._runCurrent) for key in ("Return", "Enter")]
        for key in self._keys:
            key.setContext(qt.Qt.WidgetShortcut)  # not while a cell is being edited
        for button, act in (
            (ui.addPromptButton, self._add),
            (ui.removePromptButton, self._remove),
            (ui.duplicatePromptButton, self._duplicate),
            (ui.movePromptUpButton, lambda: self._move(-1)),
            (ui.movePromptDownButton, lambda: self._move(1)),
        ):
            button.connect("clicked()", act)

    def refresh(self) -> None:
        """Show the rows and their states; a cell that is being edited and the selection stay."""
        rows = list(self._logic.rows)
        if not self._ui.promptsCollapsibleButton.collapsed:
            self._table.visible = bool(rows) or self._logic.knowledge is None
        with silenced(self._table):
            if [row.rowId for row in rows] != self._shownIds:
                # Rows took other places: an editor left open would write to another row.
                self._table.setRowCount(0)
                self._table.setRowCount(len(rows))
                self._shownIds = [row.rowId for row in rows]
            beingEdited = self._cellBeingEdited()
            for index, row in enumerate(rows):
                self._showRow(index, row, beingEdited)
            if beingEdited is None:
                self._showCurrent()
        self._refreshControls()
        self._lists.refresh()

    def _setUpColumns(self) -> None:
        setHeaders(self._table, ["", _("Name"), _("Prompt"), _("State"), _("From")])
        for column, explanation in (
            (COLOR, _("Color of the segment")),
            (THRESHOLD, _("Probability from which on a voxel belongs to the segment")),
        ):
            self._table.horizontalHeaderItem(column).setToolTip(explanation)
        self._table.setWordWrap(False)
        header = self._table.horizontalHeader()
        header.setMinimumSectionSize(24)
        for column in (COLOR, STATE, THRESHOLD):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Interactive)
        header.setSectionResizeMode(PROMPT, qt.QHeaderView.Stretch)
        self._table.setColumnWidth(NAME, NAME_WIDTH)

    def _showRow(self, index: int, row: PromptRow, beingEdited: tuple[int, int] | None) -> None:
        word, explanation = self._stateOf(row)
        for column, text, toolTip in (
            (COLOR, "", _("Color of the segment; double-click to change it")),
            (NAME, row.label, row.label),
            (PROMPT, row.prompt, row.prompt),
            (STATE, word, explanation),
            (THRESHOLD, formatThreshold(row.threshold), _("Double-click to change the threshold")),
        ):
            if (index, column) == beingEdited:
                continue  # any change of the cell, even of its tool tip, would replace what is being typed
            setCell(self._table, index, column, text, toolTip)
            if column in (COLOR, STATE):
                self._table.item(index, column).setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        # A decoration stays visible in a selected row; a background would not.
        self._table.item(index, COLOR).setData(qt.Qt.DecorationRole, qt.QColor.fromRgbF(*row.color))

    def _stateOf(self, row: PromptRow) -> tuple[str, str]:
        """Word and explanation: the verdict where there is one."""
        verdict = self._logic.verdictOf(row)
        if verdict is None:
            return self._words[self._logic.stateOf(row)]
        return self._verdictWords[verdict.kind][0], verdictText(verdict)

    def _showCurrent(self) -> None:
        """Select the row the parameter node names."""
        current = self._currentIndex()
        if current < 0:
            self._table.setCurrentCell(-1, -1)
            self._table.clearSelection()
        elif self._table.currentRow() != current or not self._table.item(current, PROMPT).isSelected():
            column = self._table.currentColumn()
            self._table.setCurrentCell(current, column if column >= 0 else PROMPT)
            self._table.selectRow(current)

    def _refreshControls(self) -> None:
        isFree = self._logic.parameters is not None and not self._logic.isRunning
        current, count = self._currentIndex(), len(self._logic.rows)
        triggers = qt.QAbstractItemView.DoubleClicked | qt.QAbstractItemView.EditKeyPressed
        self._table.setEditTriggers(triggers if isFree else qt.QAbstractItemView.NoEditTriggers)
        self._ui.addPromptButton.enabled = isFree
        self._ui.removePromptButton.enabled = isFree and current >= 0
        self._ui.duplicatePromptButton.enabled = isFree and current >= 0
        self._ui.movePromptUpButton.enabled = isFree and current > 0
        self._ui.movePromptDownButton.enabled = isFree and 0 <= current < count - 1

    def _currentIndex(self) -> int:
        """Place of the selected row, -1 when none is."""
        index = self._logic.parameters.currentRow if self._logic.parameters is not None else -1
        return index if 0 <= index < len(self._logic.rows) else -1

    def _cellBeingEdited(self) -> tuple[int, int] | None:
        """Row and column of the open editor, None without one."""
        focused = qt.QApplication.focusWidget()
        if focused is None or not self._table.viewport().isAncestorOf(focused):
            return None
        return self._table.currentRow(), self._table.currentColumn()

    def _finishEdit(self) -> int:
        """Take over what is being typed: buttons don't take the focus from an editor. Returns `_currentIndex`."""
        if self._cellBeingEdited() is not None:
            self._table.setFocus()
        return self._currentIndex()

    def _onCellChanged(self, index: int, column: int) -> None:
        if not 0 <= index < len(self._logic.rows) or self._logic.rows[index].rowId != self._shownIds[index]:
            return
        row, text = self._logic.rows[index], self._table.item(index, column).text().strip()
        if self._logic.isRunning:  # an editor that was open when the run began
            self._logic.said(_("Rows can't be changed during a run."))
        elif column == NAME and text != row.label:
            self._edits.setName(row, text)
        elif column == PROMPT and text != row.prompt:
            self._edits.setPrompt(row, text)
        elif column == THRESHOLD and text != formatThreshold(row.threshold):
            with self._logic.sayingErrors():
                self._edits.setThreshold(row, text)
        self._logic.changed()  # shows the row again, also when the text was refused

    def _onDoubleClick(self, index: int, column: int) -> None:
        if column != COLOR or self._logic.isRunning or not 0 <= index < len(self._logic.rows):
            return
        rowId, color = self._logic.rows[index].rowId, self._logic.rows[index].color
        chosen = qt.QColorDialog.getColor(qt.QColor.fromRgbF(*color), self._table, _("Color of the segment"))
        index = self._logic.rows.indexOf(rowId)  # the scene may have been closed meanwhile
        if index >= 0 and chosen.isValid():
            self._edits.setColor(self._logic.rows[index], (chosen.redF(), chosen.greenF(), chosen.blueF()))

    def _onCurrentCellChanged(self, index: int, _column: int) -> None:
        if self._logic.parameters is not None and index != self._logic.parameters.currentRow:
            self._logic.parameters.currentRow = index

    def _runCurrent(self) -> None:
        row = self._logic.currentRow
        if row is not None:
            self._logic.run([row.rowId])

    def _add(self) -> None:
        """Open an editor for a new prompt; an empty row that is there is used first."""
        self._finishEdit()
        rows = self._logic.rows
        row = next((row for row in rows if not row.canRun), None) or rows.add([""])[0]
        index = rows.indexOf(row.rowId)
        self._select(index)
        self.refresh()
        self._table.setFocus()
        self._table.editItem(self._table.item(index, PROMPT))

    def _remove(self) -> None:
        index = self._finishEdit()
        if index >= 0:
            self._logic.rows.remove(index)
            self._select(min(index, len(self._logic.rows) - 1))

    def _duplicate(self) -> None:
        index = self._finishEdit()
        if index >= 0:
            self._logic.rows.duplicate(index)
            self._select(index + 1)

    def _move(self, by: int) -> None:
        index = self._finishEdit()
        if index >= 0:
            self._select(self._logic.rows.move(index, by))

    def _select(self, index: int) -> None:
        if self._logic.parameters is not None:
            self._logic.parameters.currentRow = index


def formatThreshold(threshold: float) -> str:
    """A threshold with two decimals, more where these would round it to nothing or everything."""
    return f"{threshold:.2f}" if 0.005 <= threshold < 0.995 else f"{threshold:g}"
