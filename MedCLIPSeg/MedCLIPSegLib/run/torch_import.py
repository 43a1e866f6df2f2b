"""The first import of PyTorch, which is not to hold up the panel."""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def importTorch() -> None:
    """Import PyTorch; on the worker's thread.

    An import holds Python's lock while it loads a library: seconds for that of PyTorch, when the disk is slow. A
    function called through ctypes does not hold it, and the import then finds the library in memory. On Windows PyTorch
    itself does so.

    Raises:
        ImportError: PyTorch is missing; a half-broken installation raises OSError, RuntimeError and others.
    """
    if "torch" not in sys.modules:
        _loadLibrary()
    importlib.import_module("torch")


@contextmanager
def withoutCollections() -> Iterator[None]:
    """Put garbage collection off while many modules are imported.

    Each collection holds Python's lock while it looks through all objects there are, and imports make so many that
    there would be several, each longer than the one before.
    """
    wasEnabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wasEnabled:
            if gc.get_freeze_count() == 0:
                # What was made joins the old objects; as new ones, all would be looked through at once now.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _loadLibrary() -> None:
    """Load the part of PyTorch that knows nothing of Python; what fails here is for the import to report."""
    package = importlib.util.find_spec("torch")
    if os.name == "nt" or package is None or package.origin is None:
        return
    ending = "dylib" if sys.platform == "darwin" else "so"
    library = Path(package.origin).parent / "lib" / f"libtorch.{ending}"
    if library.is_file():
        ctypes.CDLL(None).dlopen(os.fsencode(library), os.RTLD_NOW)
