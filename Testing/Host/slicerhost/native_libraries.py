"""Order in which native libraries are loaded."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path


def loadTritonFirst() -> None:
    """Load Triton's library, if it is installed, before anything is drawn.

    Mesa's software renderer brings an LLVM of its own; Triton's library, which ``import torchvision`` loads, crashes
    when it comes second. Loading it is no import: ``torch`` and ``triton`` stay unimported.
    """
    package = importlib.util.find_spec("triton")
    if package is None or package.origin is None:
        return
    library = Path(package.origin).parent / "_C" / "libtriton.so"
    if library.is_file():
        ctypes.CDLL(str(library))
