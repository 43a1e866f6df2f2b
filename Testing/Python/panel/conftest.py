"""The panel in the test host: real MRML, real Qt, and a stand-in for the application around them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

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

from MedCLIPSegLogic.model import library  # noqa: E402

# Test files import parts of the panel, which import the application's modules.
slicerhost.startApplication(mainWindow=False)


@pytest.fixture
def runs(a_module_widget: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:  # noqa: F811
    """Prompts of the runs that are asked for; none is started."""
    asked: list[list[str]] = []
    logic = a_module_widget.logic
    monkeypatch.setattr(
        logic, "run", lambda rowIds: asked.append([row.prompt for row in logic.rows if row.rowId in rowIds])
    )
    return asked


@pytest.fixture
def a_mini_that_never_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled model segments made-up images, too: it does not know what it knows."""
    monkeypatch.setattr(library, "read_knowledge", lambda folder: None)
