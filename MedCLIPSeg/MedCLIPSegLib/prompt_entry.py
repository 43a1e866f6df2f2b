"""The line a prompt is typed into, and the keys that run prompts."""

from typing import Any

import qt
import slicer

from MedCLIPSegLib.panel_logic import PanelLogic
from MedCLIPSegLib.prompt_history import PromptHistory


class PromptEntry:
    """Enter adds what was typed as a row and segments it; Ctrl+Enter segments all rows.

    Args:
        ui: the panel's named widgets.
        logic: has the rows and runs them.
        history: prompts typed earlier, offered for completion.
    """

    def __init__(self, ui: Any, logic: PanelLogic, history: PromptHistory) -> None:
        self._edit, self._section, self._logic, self._history = (
            ui.promptLineEdit,
            ui.promptsCollapsibleButton,
            logic,
            history,
        )
        self._model = qt.QStringListModel()
        self._completer = qt.QCompleter()
        self._completer.setModel(self._model)
        self._completer.setCaseSensitivity(qt.Qt.CaseInsensitive)
        self._completer.setFilterMode(qt.Qt.MatchContains)
        self._edit.setCompleter(self._completer)
        self._edit.connect("returnPressed()", self._onReturn)
        self._shortcuts: list[Any] = []

    def enter(self) -> None:
        """Listen to the keys and offer what was typed since."""
        self._model.setStringList(self._history.entries())
        self._letKeysGo()
        parent = slicer.util.mainWindow() or self._section.parent()
        for key in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = qt.QShortcut(qt.QKeySequence(key), parent)
            shortcut.connect("activated()", self._onRunAll)
            self._shortcuts.append(shortcut)

    def exit(self) -> None:
        """Let the keys go: another module is shown."""
        self._letKeysGo()

    def cleanup(self) -> None:
        """Let the keys go for good."""
        self._letKeysGo()

    def refresh(self) -> None:
        """Typing stays possible during a run; only Enter then waits for its end."""

    def _onReturn(self) -> None:
        prompts = [line.strip() for line in self._edit.text.splitlines() if line.strip()]
        if not prompts or self._logic.parameters is None:
            return
        if self._logic.isRunning:
            self._logic.run([])  # says that a run is under way; what was typed stays
            return
        rows = self._logic.rows
        known = {row.prompt: row for row in rows}
        added = rows.add([prompt for prompt in dict.fromkeys(prompts) if prompt not in known])
        known.update({row.prompt: row for row in added})
        wanted = [known[prompt] for prompt in dict.fromkeys(prompts)]
        for prompt in prompts:
            self._history.add(prompt)
        self._model.setStringList(self._history.entries())
        self._edit.clear()
        self._logic.parameters.currentRow = rows.indexOf(wanted[-1].rowId)
        self._logic.run([row.rowId for row in wanted])

    def _onRunAll(self) -> None:
        if self._edit.text.strip():
            self._addTyped()
        self._logic.run([row.rowId for row in self._logic.rows if row.canRun])

    def _addTyped(self) -> None:
        prompt = self._edit.text.strip()
        if prompt not in [row.prompt for row in self._logic.rows]:
            self._logic.rows.add([prompt])
        self._history.add(prompt)
        self._edit.clear()

    def _letKeysGo(self) -> None:
        shortcuts, self._shortcuts = self._shortcuts, []
        for shortcut in shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
