"""What sections ask of the application: files, its settings, and words for what went wrong."""

import logging
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLogic.errors import MedCLIPSegError


def askOpenFile(title: str, filters: str) -> str:
    """A file to read; empty when the question was cancelled."""
    return _path(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", filters))


def askSaveFile(title: str, filters: str, ending: str) -> str:
    """A file to write, with its ending; empty when the question was cancelled.

    A person was asked before the name of an existing file is returned.
    """
    path = _path(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, "", filters))
    if not path or path.lower().endswith(ending):
        return path
    path += ending
    # The dialog asked about the name without its ending.
    if Path(path).exists() and not slicer.util.confirmOkCancelDisplay(
        _("The file {file} exists already. Replace it?").format(file=path)
    ):
        return ""
    return path


def askFolder(title: str, start: str = "") -> str:
    """An existing folder; empty when the question was cancelled."""
    return _path(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, start))


def settingsList(value: Any) -> list[str]:
    """The texts of a list in the settings.

    Read back from a file, a list of one text is a text and an empty list is None; all others are tuples.
    """
    if isinstance(value, str):
        value = [value]
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, (list, tuple)) else []


def explained(error: BaseException, what: str) -> str:
    """An error in words for a line of the panel; what the user cannot mend goes to the log, with its trace.

    Args:
        error: what happened.
        what: what failed, for the log, such as "the run failed".
    """
    if not isinstance(error, MedCLIPSegError):
        logging.error("MedCLIPSeg: %s", what, exc_info=error)
    return str(error) or type(error).__name__


def _path(answer: Any) -> str:
    # Some versions of PythonQt also return the chosen filter.
    return str((answer[0] if isinstance(answer, tuple) else answer) or "")
