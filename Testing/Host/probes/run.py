"""Runs one probe on the test host: ``python run.py semantics2.py``; prints an answer a line."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(FOLDER.parent))
    import pythonqt

    pythonqt.install()
    probe = FOLDER / sys.argv[1]
    sys.argv = [str(probe), *sys.argv[2:]]
    runpy.run_path(str(probe), run_name="__main__")
