"""One line below the prompt line: what the model will make of the words that are being typed."""

from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import oneShot

PAUSE = 150
"""Milliseconds without a key after which words are looked at."""


class PromptHint(Section):
    """Silent while there is nothing to say, and for models that do not say what they know."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._edit, self._label = ui.promptLineEdit, ui.promptHintLabel
        self._timer = oneShot(self.refresh, PAUSE)
        self._edit.connect("textChanged(QString)", lambda _text: self._timer.start())

    def refresh(self) -> None:
        """Look at what is in the line now."""
        if self._ui.promptsCollapsibleButton.collapsed:
            return
        self._label.text = self._hint(self._edit.text)
        self._label.visible = bool(self._label.text)

    def cleanup(self) -> None:
        """The panel goes away."""
        self._timer.stop()

    def _hint(self, text: str) -> str:
        if not text.strip() or self._logic.knowledge is None:
            return ""
        from MedCLIPSegLogic.knowledge.linter import lint

        remark = lint(text, self._logic.knowledge, self._logic.imageKind)
        if remark is None:
            return ""
        if not remark.suggestion or remark.suggestion in remark.text:
            return remark.text
        return _("{remark} Try “{prompt}”.").format(remark=remark.text, prompt=remark.suggestion)
