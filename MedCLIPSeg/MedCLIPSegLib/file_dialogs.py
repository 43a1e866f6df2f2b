"""Questions for files and folders."""

from typing import Any

import qt
import slicer


def askOpenFile(title: str, filters: str) -> str:
    """A file to read; empty when the question was cancelled."""
    return _path(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", filters))


def askSaveFile(title: str, filters: str, ending: str) -> str:
    """A file to write, with its ending; the dialog asks before an existing one is chosen. Empty when cancelled."""
    path = _path(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, "", filters))
    return path if not path or path.lower().endswith(ending) else path + ending


def askFolder(title: str, start: str = "") -> str:
    """An existing folder; empty when the question was cancelled."""
    return _path(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, start))


def _path(answer: Any) -> str:
    # Some versions of PythonQt also return the chosen filter.
    return str(answer[0] if isinstance(answer, tuple) else answer or "")
