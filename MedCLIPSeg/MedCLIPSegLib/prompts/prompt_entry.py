"""The line a prompt is typed into, the prompts typed earlier, and the keys that run prompts."""

from collections.abc import Iterable
from typing import Any

import qt

from MedCLIPSegLib.application import settingsList
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.prompts.row_edits import RowEdits, linesOf
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import oneShot, shortcut

SETTINGS_KEY = "MedCLIPSeg/PromptHistory"
MAX_ENTRIES = 50


class PromptHistory:
    """Earlier prompts, the newest first and each once, kept in the application's settings.

    Args:
        settings: of the application; has ``value(key)`` and ``setValue(key, value)``.
    """

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def entries(self) -> list[str]:
        """Earlier prompts, the newest first, at most `MAX_ENTRIES`."""
        return _distinct(settingsList(self._settings.value(SETTINGS_KEY)))

    def add(self, prompts: Iterable[str]) -> None:
        """Remember prompts as the newest ones, the first of them first."""
        entries = _distinct([*prompts, *self.entries()])
        if entries:
            self._settings.setValue(SETTINGS_KEY, entries)


class PromptEntry(Section):
    """Enter adds what was typed as a row and segments it; Ctrl+Enter anywhere in the panel segments all rows.

    Completed is what was typed: by what the model knows on this kind of image first, then by prompts run earlier.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, history: PromptHistory) -> None:
        super().__init__(ui, logic)
        self._edit, self._history = ui.promptLineEdit, history
        self._edits = RowEdits(logic)
        self._model = qt.QStringListModel()
        self._completer = qt.QCompleter()
        self._completer.setModel(self._model)
        self._completer.setCaseSensitivity(qt.Qt.CaseInsensitive)
        self._completer.setFilterMode(qt.Qt.MatchContains)
        self._edit.setCompleter(self._completer)
        self._edit.connect("returnPressed()", self._onReturn)
        self._edit.connect("textChanged(QString)", self._onTextChanged)
        self._edit.connect("textEdited(QString)", self._offer)  # before the line looks for completions
        self._submitted = ""
        self._tidy = oneShot(self._onTidy)
        self._keys = [shortcut(key, ui.MedCLIPSeg, self._onRunAll) for key in ("Ctrl+Return", "Ctrl+Enter")]
        for key in self._keys:
            key.setContext(qt.Qt.WidgetWithChildrenShortcut)
        self._offer("")

    def enter(self) -> None:
        """Offer what was typed since."""
        self._offer(self._edit.text)

    def cleanup(self) -> None:
        """Let the keys go."""
        self._tidy.stop()
        for key in self._keys:
            key.setEnabled(False)

    def _onReturn(self) -> None:
        self._completer.popup().hide()
        if not self._edit.text.strip() or self._logic.parameters is None:
            return
        if self._logic.isRunning:
            self._logic.run([])  # says that a run is under way; what was typed stays
            return
        # The list of completions still writes the highlighted one into the emptied line.
        self._submitted = self._edit.text
        self._tidy.start()
        rows = self._takeOver()
        self._logic.run([row.rowId for row in rows])

    def _onTidy(self) -> None:
        if self._edit.text == self._submitted:
            self._edit.clear()

    def _onRunAll(self) -> None:
        self._completer.popup().hide()
        if self._logic.parameters is None:
            return
        if not self._logic.isRunning:
            self._takeOver()
        rows = [row for row in self._logic.rows if row.canRun]
        self._history.add(row.prompt for row in rows)
        self._logic.run([row.rowId for row in rows])

    def _onTextChanged(self, text: str) -> None:
        """Turn several pasted lines into rows at once, as the line can't show them."""
        entries = linesOf(text)
        if len(entries) > 1 and self._logic.parameters is not None and not self._logic.isRunning:
            self._takeOver()
        elif len(entries) == 1 and text.splitlines() != [text]:
            self._edit.text = entries[0].prompt

    def _takeOver(self) -> list[PromptRow]:
        """Make what was typed rows, select the first one and empty the line; rows that are there are used again."""
        entries = linesOf(self._edit.text)
        self._edit.clear()
        if not entries:
            return []
        self._edits.addPrompts(entries)
        prompts = [entry.prompt for entry in entries]
        known: dict[str, PromptRow] = {}
        for row in self._logic.rows:
            known.setdefault(row.prompt, row)
        rows = [known[prompt] for prompt in dict.fromkeys(prompts)]
        self._logic.select(rows[0])
        self._history.add(prompts)
        return rows

    def _offer(self, text: str) -> None:
        """Offer what may be meant by what was typed so far."""
        known: tuple[str, ...] = ()
        if self._logic.knowledge is not None:
            from MedCLIPSegLogic.knowledge.completion import complete

            known = complete(text, self._logic.knowledge, self._logic.imageKind)
        self._model.setStringList(list(dict.fromkeys([*known, *self._history.entries()])))


def _distinct(prompts: Iterable[str]) -> list[str]:
    """Prompts without repetitions and blanks at their ends."""
    return list(dict.fromkeys(text for prompt in prompts if (text := prompt.strip())))[:MAX_ENTRIES]
