"""Keys, clicks and answers for the prompt table and the prompt line."""

from __future__ import annotations

from typing import Any

import pythonqt
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QTableWidget

CONTROL = Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


def key(widget: Any, which: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press a key while a widget of the panel has the focus."""
    plain = pythonqt.unwrap(widget)
    activate(widget)
    plain.setFocus()
    QTest.keyClick(plain, which, modifier)
    pythonqt.processEvents(30)


def activate(widget: Any) -> None:
    """Show the window of a widget and make it the active one, without which shortcuts stay silent."""
    window = pythonqt.unwrap(widget).window()
    window.show()
    window.activateWindow()
    pythonqt.processEvents(30)


def typeInto(edit: Any, text: str) -> None:
    """Type into a line."""
    activate(edit)
    pythonqt.unwrap(edit).setFocus()
    QTest.keyClicks(pythonqt.unwrap(edit), text)
    pythonqt.processEvents(30)


def texts(table: Any, column: int) -> list[str]:
    """Texts of a column."""
    return [table.item(row, column).text() for row in range(table.rowCount)]


def click(table: Any, row: int, column: int) -> None:
    """Click a cell."""
    plain: QTableWidget = pythonqt.unwrap(table)
    place: QPoint = plain.visualItemRect(plain.item(row, column)).center()
    QTest.mouseClick(plain.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    pythonqt.processEvents(30)


def doubleClick(table: Any, row: int, column: int) -> None:
    """Double-click a cell."""
    activate(table)
    plain: QTableWidget = pythonqt.unwrap(table)
    place: QPoint = plain.visualItemRect(plain.item(row, column)).center()
    QTest.mouseClick(plain.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    QTest.mouseDClick(plain.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    pythonqt.processEvents(30)


def openEditor(table: Any) -> QLineEdit | None:
    """The editor of a cell, None when none is open."""
    focused = QApplication.focusWidget()
    isInside = focused is not None and pythonqt.unwrap(table).viewport().isAncestorOf(focused)
    return focused if isInside and isinstance(focused, QLineEdit) else None


def edit(table: Any, row: int, column: int, text: str) -> None:
    """Double-click a cell, type a text and press Enter."""
    doubleClick(table, row, column)
    editor = openEditor(table)
    assert editor is not None, "the cell did not open"
    editor.setText(text)  # QTest can't type letters beyond ASCII
    QTest.keyClick(editor, Qt.Key.Key_Return)
    pythonqt.processEvents(50)
