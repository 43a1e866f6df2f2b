"""What several sections do with Qt's widgets, timers and keys."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qt

LIGHT = 0.43
"""Brightness, 0…1, of a color from which on black is read better on it than white."""
ICONS = Path(__file__).resolve().parent.parent / "Resources" / "Icons"


@contextmanager
def silenced(widget: Any) -> Iterator[None]:
    """Keep the signals of a widget back while it is changed."""
    was = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(was)


def oneShot(slot: Callable[[], None], milliseconds: int = 0) -> Any:
    """A timer that calls ``slot`` once after each start; with 0 at the next turn of the event loop."""
    timer = turnTimer(slot)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    return timer


def turnTimer(slot: Callable[[], None]) -> Any:
    """A timer that calls ``slot`` at every turn of the event loop while it runs."""
    timer = qt.QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", slot)
    return timer


def shortcut(key: str, parent: Any, slot: Callable[[], None]) -> Any:
    """A key that works in the window of ``parent``."""
    made = qt.QShortcut(qt.QKeySequence(key), parent)
    made.connect("activated()", slot)
    return made


def removeShortcut(key: Any) -> None:
    """Let a key go at once; its window stays."""
    key.setEnabled(False)
    key.setParent(None)
    key.deleteLater()


def offerEntries(combo: Any, entries: Sequence[tuple[str, str]]) -> None:
    """Replace all entries by (key, words), without a signal."""
    with silenced(combo):
        combo.clear()
        for key, words in entries:
            _addEntry(combo, key, words)


def selectEntry(combo: Any, key: str, words: str) -> None:
    """Choose an entry, without a signal; one that comes from elsewhere is added, so that the choice is kept."""
    with silenced(combo):
        if combo.findData(key) < 0:
            _addEntry(combo, key, words)
        combo.currentIndex = combo.findData(key)


def picture(name: str) -> Any:
    """An icon of the module by the name of its file."""
    return qt.QIcon(str(ICONS / f"{name}.png"))


def pictureOn(name: str, color: Any) -> Any:
    """An icon in black or white on a square of a color."""
    isLight = 0.3 * color.redF() + 0.59 * color.greenF() + 0.11 * color.blueF() > LIGHT
    pixmap = qt.QPixmap(str(ICONS / f"{name}.png"))
    painter = qt.QPainter(pixmap)
    painter.setCompositionMode(qt.QPainter.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), qt.QColor(0, 0, 0) if isLight else qt.QColor(255, 255, 255))
    painter.setCompositionMode(qt.QPainter.CompositionMode_DestinationOver)
    painter.fillRect(pixmap.rect(), color)
    painter.end()
    icon = qt.QIcon(pixmap)
    icon.addPixmap(pixmap, qt.QIcon.Selected)  # otherwise a selected row colors it
    return icon


def setHeaders(table: Any, headers: Sequence[str]) -> None:
    """Give a table its columns and no numbers of rows."""
    table.setColumnCount(len(headers))
    table.setHorizontalHeaderLabels(list(headers))
    table.verticalHeader().hide()


def setOneLine(table: Any) -> None:
    """Give every row of a table one line of text; what does not fit is cut."""
    table.setWordWrap(False)
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)


def fitHeight(table: Any, most: int) -> None:
    """Make a table with one line a row as high as its rows, one at least and ``most`` before it scrolls."""
    lines = min(max(table.rowCount, 1), most) * table.verticalHeader().defaultSectionSize
    table.setFixedHeight(table.horizontalHeader().sizeHint.height() + lines + 2 * table.frameWidth)


def setCell(table: Any, row: int, column: int, text: str, toolTip: str) -> None:
    """Write a text into a cell of a table."""
    item = table.item(row, column)
    if item is None:
        item = qt.QTableWidgetItem()
        table.setItem(row, column, item)
    item.setText(text)
    item.setToolTip(toolTip)


def _addEntry(combo: Any, key: str, words: str) -> None:
    """Narrow panels cut long words; the tool tip shows them whole."""
    combo.addItem(words, key)
    combo.setItemData(combo.count - 1, words, qt.Qt.ToolTipRole)
