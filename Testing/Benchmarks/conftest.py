"""The application's stand-in and the samples of the tests, for benchmarks of panel and scene."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
for folder in ("MedCLIPSeg", "Testing/Host", "Testing/Python/panel", "Testing/Python/scene"):
    sys.path.insert(0, str(ROOT / folder))

import slicerhost  # noqa: E402
from slicerhost.fixtures import a_module_widget, a_slicer, pump  # noqa: E402, F401

slicerhost.startApplication(mainWindow=False)
