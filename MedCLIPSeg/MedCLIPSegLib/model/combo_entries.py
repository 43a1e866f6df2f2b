"""Entries of combo boxes, each with a key that is kept in the scene."""

from collections.abc import Sequence
from typing import Any

import qt


def offerEntries(combo: Any, entries: Sequence[tuple[str, str]]) -> None:
    """Replace all entries by (key, words), without a signal."""
    was = combo.blockSignals(True)
    combo.clear()
    for key, words in entries:
        _add(combo, key, words)
    combo.blockSignals(was)


def selectEntry(combo: Any, key: str, words: str) -> None:
    """Choose an entry, without a signal; one that comes from elsewhere is added, so that the choice is kept."""
    was = combo.blockSignals(True)
    if combo.findData(key) < 0:
        _add(combo, key, words)
    combo.currentIndex = combo.findData(key)
    combo.blockSignals(was)


def _add(combo: Any, key: str, words: str) -> None:
    """Narrow panels cut long words; the tool tip shows them whole."""
    combo.addItem(words, key)
    combo.setItemData(combo.count - 1, words, qt.Qt.ToolTipRole)
