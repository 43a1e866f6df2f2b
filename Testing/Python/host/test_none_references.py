"""Calls into Qt do not use up None."""

from __future__ import annotations

import subprocess
import sys

from slicerhost.start import REPOSITORY

CODE = """
import sys
sys.path.insert(0, {host!r})
import slicerhost
slicerhost.startApplication(mainWindow=False)
from PySide6.QtWidgets import QLabel
label = QLabel()
for _turn in range(500_000):
    label.setEnabled(True)
"""


def test_half_a_million_calls_do_not_end_python() -> None:
    code = CODE.format(host=str(REPOSITORY / "Testing" / "Host"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
