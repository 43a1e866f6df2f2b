"""Message boxes: shown ones are recorded and answered, none ever waits for a person."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import slicer


@dataclass(frozen=True)
class ShownDialog:
    """A message box that would have been shown."""

    text: str
    options: dict[str, Any] = field(default_factory=dict)


class UnexpectedQuestionError(AssertionError):
    """A question was asked for which no answer was prepared."""


shown: list[ShownDialog] = []
_answers: list[Any] = []


def answerNext(*buttons: Any) -> None:
    """Prepare answers for the next questions, for example ``qt.QMessageBox.Ok``."""
    _answers.extend(buttons)


def texts() -> list[str]:
    """Texts of all message boxes so far."""
    return [dialog.text for dialog in shown]


def reset() -> None:
    """Forget message boxes and answers."""
    shown.clear()
    _answers.clear()


def messageBox(text: str, parent: Any = None, **options: Any) -> Any:
    """Stands in for ``slicer.util.messageBox``: all of its dialogs go through it.

    Under ``slicer.app.testingEnabled()`` nothing is shown and the answer is OK, as in the application. Questions do not
    come here then: ``slicer.util`` answers them itself, with False, although it documents True.

    Raises:
        UnexpectedQuestionError: a question without a prepared answer.
    """
    import qt

    if slicer.app.testingEnabled():
        logging.info(text)
        return qt.QMessageBox.Ok
    shown.append(ShownDialog(text, options))
    if _answers:
        return _answers.pop(0)
    buttons = options.get("standardButtons", qt.QMessageBox.Ok)
    if int(buttons) != int(qt.QMessageBox.Ok):
        raise UnexpectedQuestionError(f"asked without a prepared answer: {text}")
    return qt.QMessageBox.Ok
