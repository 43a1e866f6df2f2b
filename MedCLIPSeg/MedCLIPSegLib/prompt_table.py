"""The table of prompts: one row a segment."""

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.file_dialogs import askOpenFile, askSaveFile
from MedCLIPSegLib.panel_logic import PanelLogic
from MedCLIPSegLib.prompt_list_file import loadPromptList, savePromptList
from MedCLIPSegLib.prompt_rows import PromptRow
from MedCLIPSegLib.row_states import DONE, EDITED, EMPTY, FAILED, NEW, QUEUED, RUNNING
from MedCLIPSegLogic.errors import MedCLIPSegError

COLOR, NAME, PROMPT, STATE, THRESHOLD = range(5)


class PromptTable:
    """Shows the rows and lets people change them.

    Args:
        ui: the panel's named widgets.
        logic: has the rows, their states and segments.
    """

    def __init__(self, ui: Any, logic: PanelLogic) -> None:
        self._ui, self._table, self._logic = ui, ui.promptTable, logic
        self._words = stateWords()
        headers = ["", _("Name"), _("Prompt"), _("State"), _("From")]
        self._table.setColumnCount(len(headers))
        self._table.setHorizontalHeaderLabels(headers)
        self._table.verticalHeader().hide()
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Interactive)
        header.setSectionResizeMode(PROMPT, qt.QHeaderView.Stretch)
        header.setMinimumSectionSize(24)
        self._table.setColumnWidth(NAME, 60)
        self._table.connect("cellChanged(int,int)", self._onCellChanged)
        self._table.connect("cellDoubleClicked(int,int)", self._onDoubleClick)
        self._table.connect("itemSelectionChanged()", self._onSelection)
        self._enter = qt.QShortcut(qt.QKeySequence("Return"), self._table)
        self._enter.setContext(qt.Qt.WidgetShortcut)  # not while a cell is being edited
        self._enter.connect("activated()", self._runCurrent)
        self._buttons = (
            ui.removePromptButton,
            ui.duplicatePromptButton,
            ui.movePromptUpButton,
            ui.movePromptDownButton,
        )
        for button, act in (
            (ui.addPromptButton, self._add),
            (ui.removePromptButton, self._remove),
            (ui.duplicatePromptButton, self._duplicate),
            (ui.movePromptUpButton, self._moveUp),
            (ui.movePromptDownButton, self._moveDown),
            (ui.pastePromptsButton, self._paste),
            (ui.loadPromptsButton, self._load),
            (ui.savePromptsButton, self._save),
        ):
            button.connect("clicked()", act)

    def refresh(self) -> None:
        """Show the rows and their states; a cell that is being edited and the selection stay."""
        rows = list(self._logic.rows)
        isFree = self._logic.parameters is not None and not self._logic.isRunning
        was = self._table.blockSignals(True)
        self._table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            self._showRow(index, row)
        current = self._logic.parameters.currentRow if self._logic.parameters is not None else -1
        if 0 <= current < len(rows):
            if self._table.currentRow() != current:
                self._table.setCurrentCell(current, PROMPT)
        else:
            self._table.clearSelection()
        triggers = qt.QAbstractItemView.DoubleClicked | qt.QAbstractItemView.EditKeyPressed
        self._table.setEditTriggers(triggers if isFree else qt.QAbstractItemView.NoEditTriggers)
        self._table.blockSignals(was)
        for button in self._buttons:
            button.enabled = isFree and 0 <= current < len(rows)
        for button in (self._ui.addPromptButton, self._ui.pastePromptsButton, self._ui.loadPromptsButton):
            button.enabled = isFree
        self._ui.savePromptsButton.enabled = bool(rows)

    def _showRow(self, index: int, row: PromptRow) -> None:
        state = self._logic.stateOf(row)
        texts = {
            COLOR: "",
            NAME: row.name,
            PROMPT: row.prompt,
            STATE: self._words[state][0],
            THRESHOLD: f"{row.threshold:.2f}",
        }
        for column, text in texts.items():
            item = self._table.item(index, column)
            if item is None:
                item = qt.QTableWidgetItem()
                self._table.setItem(index, column, item)
            if item.text() != text:
                item.setText(text)
        color = qt.QColor.fromRgbF(*row.color)
        colorItem, stateItem, promptItem = (self._table.item(index, column) for column in (COLOR, STATE, PROMPT))
        colorItem.setBackground(qt.QBrush(color))
        colorItem.setToolTip(_("Color of the segment; double-click to change it."))
        stateItem.setToolTip(self._words[state][1])
        promptItem.setToolTip(row.prompt)
        for item in (colorItem, stateItem):
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)

    def _onCellChanged(self, index: int, column: int) -> None:
        if not 0 <= index < len(self._logic.rows):
            return
        row, text = self._logic.rows[index], self._table.item(index, column).text().strip()
        if column == PROMPT:
            self._logic.rows.update(row.rowId, prompt=text)
        elif column == NAME:
            self._rename(row, text)
        elif column == THRESHOLD:
            self._setThreshold(row, text)
        self.refresh()

    def _rename(self, row: PromptRow, name: str) -> None:
        segment = self._segmentOf(row)
        self._logic.rows.update(row.rowId, name=name)
        if segment is not None:
            from MedCLIPSegLogic.scene.names import one_line

            segment.SetName(one_line(name or row.prompt))

    def _setThreshold(self, row: PromptRow, text: str) -> None:
        try:
            threshold = float(text.replace(",", "."))
        except ValueError:
            threshold = 0.0
        if 0 < threshold < 1:
            self._logic.rows.update(row.rowId, threshold=threshold)
        else:
            self._logic.said(_("“{text}” is no threshold; give a number between 0 and 1.").format(text=text))

    def _onDoubleClick(self, index: int, column: int) -> None:
        if column != COLOR or self._logic.isRunning or not 0 <= index < len(self._logic.rows):
            return
        row = self._logic.rows[index]
        chosen = qt.QColorDialog.getColor(qt.QColor.fromRgbF(*row.color), slicer.util.mainWindow())
        if chosen is None or not chosen.isValid():
            return
        color = (chosen.redF(), chosen.greenF(), chosen.blueF())
        segment = self._segmentOf(row)
        self._logic.rows.update(row.rowId, color=color)
        if segment is not None:
            segment.SetColor(*color)

    def _segmentOf(self, row: PromptRow) -> Any:
        segmentId = self._logic.segmentOf(row)
        return None if segmentId is None else self._logic.segmentationNode.GetSegmentation().GetSegment(segmentId)

    def _onSelection(self) -> None:
        if self._logic.parameters is not None and self._table.currentRow() != self._logic.parameters.currentRow:
            self._logic.parameters.currentRow = self._table.currentRow()

    def _runCurrent(self) -> None:
        row = self._logic.currentRow
        if row is not None:
            self._logic.run([row.rowId])

    def _add(self) -> None:
        self._logic.rows.add([""])
        self._select(len(self._logic.rows) - 1)
        self.refresh()
        self._table.editItem(self._table.item(len(self._logic.rows) - 1, PROMPT))

    def _remove(self) -> None:
        index = self._logic.parameters.currentRow
        self._logic.rows.remove(index)
        self._select(min(index, len(self._logic.rows) - 1))

    def _duplicate(self) -> None:
        index = self._logic.parameters.currentRow
        self._logic.rows.duplicate(index)
        self._select(index + 1)

    def _moveUp(self) -> None:
        self._select(self._logic.rows.move(self._logic.parameters.currentRow, -1))

    def _moveDown(self) -> None:
        self._select(self._logic.rows.move(self._logic.parameters.currentRow, 1))

    def _paste(self) -> None:
        if not self._logic.rows.addLines(qt.QApplication.clipboard().text()):
            self._logic.said(_("There is no text on the clipboard."))
            return
        self._select(len(self._logic.rows) - 1)

    def _load(self) -> None:
        path = askOpenFile(_("Load prompts"), _("Prompt lists (*.csv *.txt)"))
        if path:
            self._orSay(lambda: self._logic.rows.replaceAll([*self._logic.rows, *loadPromptList(path)]))

    def _save(self) -> None:
        path = askSaveFile(_("Save prompts"), _("Prompt lists (*.csv)"), ".csv")
        if path:
            self._orSay(lambda: savePromptList(self._logic.rows, path))

    def _orSay(self, act: Callable[[], None]) -> None:
        try:
            act()
        except MedCLIPSegError as error:
            self._logic.said(str(error))

    def _select(self, index: int) -> None:
        self._logic.parameters.currentRow = index


def stateWords() -> dict[str, tuple[str, str]]:
    """Word and explanation of every state of a row."""
    return {
        NEW: (_("new"), _("Not segmented yet.")),
        QUEUED: (_("queued"), _("Waits for its turn.")),
        RUNNING: (_("running"), _("Is being segmented.")),
        DONE: (_("done"), _("Segmented; the segment is what the model found.")),
        EMPTY: (_("empty"), _("Segmented; nothing was found above the threshold.")),
        EDITED: (_("edited"), _("The segment was edited by hand and will not be overwritten.")),
        FAILED: (_("failed"), _("The last run failed; the status line says why.")),
    }
