"""The test host itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[3]
for folder in (ROOT / "MedCLIPSeg", ROOT / "Testing" / "Host"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import slicerhost  # noqa: E402
from slicerhost.fixtures import (  # noqa: E402, F401
    a_module_widget,
    a_slicer,
    an_app_without_main_window,
    pump,
)

# Test files import parts of the panel, which import the application's modules.
slicerhost.startApplication(mainWindow=False)
