"""The Cases section: a list to work off."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.desk.case_list import CaseList
from MedCLIPSegLib.desk.open_case import OpenCase
from MedCLIPSegLib.desk.sources import DatabaseSource, FolderSource, Source, dicomDatabase
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.state_words import verdictWords
from MedCLIPSegLib.review.reviews import Reviews, reviewText, reviewWords
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, removeShortcut, setCell, setHeaders, setOneLine, shortcut, silenced

if TYPE_CHECKING:
    from MedCLIPSegLogic.desk.case_folder import Case

FOLDER_KEY = "MedCLIPSeg/CasesFolder"
FOLDER, DATABASE = "folder", "database"
NAME, STATE, VERDICT, QUALITY = range(4)
KEYS = (("C", 1), ("Shift+C", -1))


class CaseSection(Section):
    """Cases of a folder or of the DICOM database with state, verdict and expected quality; one key opens the next.

    The list is read when the section is opened or the key is pressed, and follows what other people write. Whatever a
    person says of the open case is kept at once.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, reviews: Reviews, settings: Any) -> None:
        super().__init__(ui, logic)
        self._settings = settings
        self._open = OpenCase(logic, reviews)
        self._section, self._table, self._status = ui.casesCollapsibleButton, ui.casesTable, ui.casesStatusLabel
        self._from, self._folder = ui.casesSourceComboBox, ui.casesFolderButton
        self._filter, self._order = ui.casesFilterComboBox, ui.casesOrderComboBox
        self._list: CaseList | None = None
        self._shown: list[Case] = []
        self._keys: list[Any] = []
        offerEntries(self._filter, _filters())
        offerEntries(self._order, [("name", _("By name")), ("quality", _("Worst expected first"))])
        setHeaders(self._table, [_("Case"), _("State"), _("Verdict"), _("Quality")])
        self._table.horizontalHeaderItem(QUALITY).setToolTip(_("Dice to be expected of the model's mask, 0 to 1"))
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Stretch)
        setOneLine(self._table)
        self._folder.directory = str(settings.value(FOLDER_KEY) or Path.home())
        self._hasFolder = bool(settings.value(FOLDER_KEY))
        self._openKeys = [shortcut(key, self._table, self._openSelected) for key in ("Return", "Enter")]
        for key in self._openKeys:
            key.setContext(qt.Qt.WidgetShortcut)
        self._section.connect("contentsCollapsed(bool)", self._onCollapsed)
        self._folder.connect("directoryChanged(QString)", self._onFolder)
        self._from.connect("currentIndexChanged(int)", self._onSource)
        self._filter.connect("currentIndexChanged(int)", self._show)
        self._order.connect("currentIndexChanged(int)", self._show)
        self._table.connect("cellDoubleClicked(int,int)", lambda row, _column: self._openRow(row))
        ui.nextCaseButton.connect("clicked()", lambda: self._step(1))
        ui.previousCaseButton.connect("clicked()", lambda: self._step(-1))
        reviews.given.connect(self._onReviewed)

    def enter(self) -> None:
        """Listen to the keys, and look whether there is a DICOM database."""
        self._removeKeys()
        parent = slicer.util.mainWindow() or self._section.parent()
        for key, step in KEYS:
            self._keys.append(shortcut(key, parent, partial(self._step, step)))
        chosen = self._from.currentData
        entries = [(FOLDER, _("Folder"))] + ([(DATABASE, _("DICOM database"))] if dicomDatabase() is not None else [])
        offerEntries(self._from, entries)
        with silenced(self._from):
            self._from.currentIndex = max(0, self._from.findData(chosen))
        if self._list is not None and not self._section.collapsed:
            self._look()

    def exit(self) -> None:
        """Let the keys go."""
        self._removeKeys()

    def cleanup(self) -> None:
        """Let go of everything: the panel goes away."""
        self._removeKeys()
        self._list, self._shown = None, []

    def refresh(self) -> None:
        """Follow what other people wrote, and show which case is open."""
        isFromFolder = self._from.currentData != DATABASE
        self._from.visible = self._ui.casesSourceLabel.visible = self._from.count > 1 and not self._section.collapsed
        self._folder.visible = self._ui.casesFolderLabel.visible = isFromFolder and not self._section.collapsed
        if self._list is None or self._section.collapsed:
            return
        try:
            self._list.follow()
        except Exception as error:
            self._status.text = explained(error, "the states of the cases cannot be read")
            return
        self._show()

    def _onCollapsed(self, isCollapsed: bool) -> None:
        if not isCollapsed and self._list is None:
            self._look()
        self.refresh()

    def _onFolder(self, folder: str) -> None:
        self._hasFolder = True
        self._settings.setValue(FOLDER_KEY, folder)
        self._list = None
        self._look()

    def _onSource(self) -> None:
        self._list = None
        self._look()
        self.refresh()

    def _source(self) -> Source | None:
        database = dicomDatabase() if self._from.currentData == DATABASE else None
        if database is not None:
            return DatabaseSource(database)
        return FolderSource(Path(self._folder.directory)) if self._hasFolder else None

    def _look(self) -> None:
        """Read the list anew."""
        source = self._source()
        if source is None:
            self._list, self._shown = None, []
            self._table.setRowCount(0)
            self._status.text = _("Choose the folder with images or results.")
            return
        cases = CaseList(source)
        try:
            cases.look()
        except Exception as error:
            self._list, self._shown = None, []
            self._table.setRowCount(0)
            self._status.text = explained(error, "the cases cannot be listed")
            return
        self._list = cases
        self._show()

    def _show(self) -> None:
        """Fill the table with the cases of the filter."""
        if self._list is None:
            return
        self._shown = self._list.shown(self._filter.currentData, self._order.currentData)
        with silenced(self._table):
            self._table.setRowCount(len(self._shown))
            for row, case in enumerate(self._shown):
                self._showRow(row, case, self._list)
            current = next((row for row, case in enumerate(self._shown) if self._isOpen(case)), -1)
            if current >= 0 and current != self._table.currentRow():
                self._table.setCurrentCell(current, NAME)
        reviewed = sum(self._list.state(case) != "unreviewed" for case in self._list.cases)
        self._status.text = _("{reviewed} of {count} cases reviewed; {shown} shown.").format(
            reviewed=reviewed, count=len(self._list.cases), shown=len(self._shown)
        )
        for button in (self._ui.nextCaseButton, self._ui.previousCaseButton):
            button.enabled = bool(self._shown)

    def _showRow(self, row: int, case: "Case", cases: CaseList) -> None:
        state, verdict, dice = cases.state(case), cases.verdict(case), cases.expectedDice(case)
        word = reviewWords()[state][0]
        reviews = [
            _("{prompt}: {review}").format(prompt=prompt, review=reviewText(review))
            for prompt, standing in cases.standings(case).items()
            for review in standing.reviews or (None,)
        ]
        isDisputed = cases.isDisputed(case)
        setCell(self._table, row, NAME, case.label, case.label)
        setCell(
            self._table, row, STATE, _("{state} (!)").format(state=word) if isDisputed else word, "\n".join(reviews)
        )
        words = verdictWords()[verdict] if verdict is not None else ("–", _("Not segmented yet"))
        setCell(self._table, row, VERDICT, words[0], words[1])
        setCell(self._table, row, QUALITY, "–" if dice is None else f"{dice:.2f}", _("Expected of the model's mask"))
        font = self._table.item(row, NAME).font()
        font.setBold(self._isOpen(case))
        self._table.item(row, NAME).setFont(font)
        icon = slicer.app.style().standardIcon(qt.QStyle.SP_MessageBoxWarning) if cases.isFlagged(case) else qt.QIcon()
        self._table.item(row, VERDICT).setIcon(icon)

    def _isOpen(self, case: "Case") -> bool:
        return self._list is not None and self._open.isOf(self._list.source) and self._open.key == case.key

    def _openSelected(self) -> None:
        self._openRow(self._table.currentRow())

    def _openRow(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self._openCase(self._shown[row])

    def _step(self, step: int) -> None:
        """Open the next or the last case of the filter."""
        if self._list is None:
            self._look()
        if self._list is None:
            self._section.collapsed = False  # the line there says what to do
            return
        key = self._open.key if self._open.isOf(self._list.source) else ""
        with self._logic.sayingErrors():
            self._list.follow()
            case = self._list.beside(key, step, self._filter.currentData, self._order.currentData)
            if case is None:
                self._logic.said(_("There is no other case of this kind in the list."))
            else:
                self._openCase(case)

    def _openCase(self, case: "Case") -> None:
        if self._list is None:
            return
        try:
            self._open.open(case, self._list.source)
        except Exception as error:
            self._logic.said(explained(error, "the case cannot be opened"))
        else:
            self._logic.said(_("{case}: {review}").format(case=case.label, review=self._told(case)))
        self.refresh()

    def _told(self, case: "Case") -> str:
        words = reviewWords()[self._list.state(case)][1] if self._list is not None else ""
        return words[:1].upper() + words[1:] + "."

    def _onReviewed(self) -> None:
        try:
            self._open.keep()
        except Exception as error:
            self._logic.said(explained(error, "the review cannot be kept"))
        self.refresh()

    def _removeKeys(self) -> None:
        for key in self._keys:
            removeShortcut(key)
        self._keys = []


def _filters() -> list[tuple[str, str]]:
    return [
        ("all", _("All")),
        ("unreviewed", _("Not reviewed")),
        ("flagged", _("Flagged by a verdict")),
        ("rejected", _("Rejected")),
        ("accepted", _("Accepted")),
        ("disputed", _("Reviewers disagree")),
    ]
