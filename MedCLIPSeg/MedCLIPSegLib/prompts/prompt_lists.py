"""Prompts from and to the clipboard and files."""

from typing import Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.application import askOpenFile, askSaveFile
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_list_file import ListedPrompt, loadPromptList, savePromptList
from MedCLIPSegLib.prompts.row_edits import RowEdits, linesOf
from MedCLIPSegLib.section import Section


class PromptLists(Section):
    """The buttons Paste, Load and Save below the table."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._paste, self._load, self._save = ui.pastePromptsButton, ui.loadPromptsButton, ui.savePromptsButton
        self._edits = RowEdits(logic)
        self._paste.connect("clicked()", self._onPaste)
        self._load.connect("clicked()", self._onLoad)
        self._save.connect("clicked()", self._onSave)

    def refresh(self) -> None:
        """Rows are added between runs only; there must be one to save."""
        isFree = self._logic.parameters is not None and not self._logic.isRunning
        self._paste.enabled = self._load.enabled = isFree
        self._save.enabled = any(row.canRun for row in self._logic.rows)

    def _onPaste(self) -> None:
        entries = linesOf(qt.QApplication.clipboard().text())
        if entries:
            self._add(entries)
        else:
            self._logic.said(_("There is no text on the clipboard; copy prompts first, one a line."))

    def _onLoad(self) -> None:
        path = askOpenFile(_("Load prompts"), _("Prompt lists (*.csv *.txt)"))
        if not path:
            return
        with self._logic.sayingErrors():
            self._add(loadPromptList(path))

    def _onSave(self) -> None:
        path = askSaveFile(_("Save prompts"), _("Prompt lists (*.csv)"), ".csv")
        if not path:
            return
        with self._logic.sayingErrors():
            savePromptList(self._logic.rows, path, overwrite=True)  # the question for the file asked
            self._logic.said(_("The prompts were saved to {file}.").format(file=path))

    def _add(self, entries: list[ListedPrompt]) -> None:
        added, known = self._edits.addPrompts(entries)
        if added:
            self._logic.select(added[0])
        self._logic.said(
            _("{added} prompts added; {known} are in the table already.").format(added=len(added), known=known)
            if known
            else _("{added} prompts added.").format(added=len(added))
        )
