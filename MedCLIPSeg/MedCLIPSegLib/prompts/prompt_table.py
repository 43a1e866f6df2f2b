"""The table of prompts: one row per segment."""

from typing import Any

import qt
import vtk
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_lists import PromptLists
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.prompts.row_edits import RowEdits
from MedCLIPSegLib.prompts.state_words import stateWords, verdictText, verdictWords
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import picture, pictureOn, setCell, setHeaders, shortcut, silenced

EYE, NAME, PROMPT, STATE, THRESHOLD = range(5)
NAME_WIDTH = 50
NARROW = 300
"""Width of a table in pixels below which names have no column unless there are some."""


class PromptTable(Section):
    """Shows the rows and lets people change, run and order them."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._table = ui.promptTable
        self._edits = RowEdits(logic)
        self._lists = PromptLists(ui, logic)
        self._words, self._verdictWords = stateWords(), verdictWords()
        self._shownIds: list[str] = []
        self._display: Any = None
        self._displayTag = 0
        ui.duplicatePromptButton.setIcon(picture("duplicate"))
        self._setUpColumns()
        self._table.connect("cellClicked(int,int)", self._onClick)
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
        self._table.setColumnHidden(NAME, self._table.width < NARROW and not any(row.name for row in rows))
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
        self._watchDisplay()
        self._refreshControls()
        self._lists.refresh()

    def cleanup(self) -> None:
        """Let the display of the segments go."""
        if self._display is not None:
            self._display.RemoveObserver(self._displayTag)
        self._display = None

    def _setUpColumns(self) -> None:
        setHeaders(self._table, ["", _("Name"), _("Prompt"), _("State"), _("Threshold")])
        for column, explanation in (
            (EYE, _("Whether the segment is shown, and its color")),
            (NAME, _("Name of the segment, where it is another one than the prompt")),
            (THRESHOLD, _("Probability from which on a voxel belongs to the segment")),
        ):
            self._table.horizontalHeaderItem(column).setToolTip(explanation)
        self._table.setWordWrap(False)
        header = self._table.horizontalHeader()
        header.setMinimumSectionSize(24)
        for column in (EYE, STATE, THRESHOLD):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Interactive)
        header.setSectionResizeMode(PROMPT, qt.QHeaderView.Stretch)
        self._table.setColumnWidth(NAME, NAME_WIDTH)

    def _showRow(self, index: int, row: PromptRow, beingEdited: tuple[int, int] | None) -> None:
        word, explanation = self._stateOf(row)
        for column, text, toolTip in (
            (EYE, "", _("Click to show or hide the segment, double-click to change its color")),
            (NAME, row.name, row.name or _("Named as the prompt; double-click to name it otherwise")),
            (PROMPT, row.prompt, row.prompt),
            (STATE, word, explanation),
            (THRESHOLD, formatThreshold(row.threshold), _("Double-click to change the threshold")),
        ):
            if (index, column) == beingEdited:
                continue  # any change of the cell, even of its tool tip, would replace what is being typed
            setCell(self._table, index, column, text, toolTip)
            if column in (EYE, STATE):
                self._table.item(index, column).setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        self._showEye(index, row)

    def _showEye(self, index: int, row: PromptRow) -> None:
        """An eye on the color of the segment, before there is one the color; a background would not stay visible."""
        isVisible, color = self._edits.isVisible(row), qt.QColor.fromRgbF(*row.color)
        eye = color if isVisible is None else pictureOn("visible" if isVisible else "hidden", color)
        self._table.item(index, EYE).setData(qt.Qt.DecorationRole, eye)

    def _watchDisplay(self) -> None:
        """Follow the eyes of other modules, such as those of the segment editor."""
        segmentationNode = self._logic.segmentationNode
        display = segmentationNode.GetDisplayNode() if segmentationNode is not None else None
        if display is not self._display:
            self.cleanup()
            self._display = display
            if display is not None:
                self._displayTag = display.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onDisplayModified)

    def _onDisplayModified(self, _display: Any, _event: str) -> None:
        with silenced(self._table):
            for index, rowId in enumerate(self._shownIds):
                place = self._logic.rows.indexOf(rowId)
                if place >= 0:
                    self._showEye(index, self._logic.rows[place])

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
        elif column == NAME and text != row.name:
            self._edits.setName(row, text)
        elif column == PROMPT and text != row.prompt:
            self._edits.setPrompt(row, text)
        elif column == THRESHOLD and text != formatThreshold(row.threshold):
            with self._logic.sayingErrors():
                self._edits.setThreshold(row, text)
        self._logic.changed()  # shows the row again, also when the text was refused

    def _onClick(self, index: int, column: int) -> None:
        if column == EYE and not self._logic.isWriting and 0 <= index < len(self._logic.rows):
            self._edits.toggleVisible(self._logic.rows[index])
            self._logic.changed()

    def _onDoubleClick(self, index: int, column: int) -> None:
        if column != EYE or self._logic.isRunning or not 0 <= index < len(self._logic.rows):
            return
        self._edits.toggleVisible(self._logic.rows[index])  # takes the first of the two clicks back
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
