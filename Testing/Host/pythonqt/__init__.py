"""What PythonQt lets Python code see of Qt, on top of PySide6: for tests and for `make panel` only."""

from pythonqt.event_loop import processEvents, runEventLoop
from pythonqt.namespaces import expose, install
from pythonqt.none_references import keepNoneAlive
from pythonqt.slots import lostErrors, noteLostErrors
from pythonqt.ui_loader import loadUi
from pythonqt.wrapping import unwrap, wrap

__all__ = [
    "expose",
    "install",
    "keepNoneAlive",
    "loadUi",
    "lostErrors",
    "noteLostErrors",
    "processEvents",
    "runEventLoop",
    "unwrap",
    "wrap",
]
