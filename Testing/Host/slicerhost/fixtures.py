"""Fixtures for tests on the host; a ``conftest.py`` imports them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Protocol

import pytest
import pythonqt
import slicer

from slicerhost.start import loadModule, resetApplication, startApplication


class Pump(Protocol):
    """Runs the event loop until something is true."""

    def __call__(self, until: Callable[[], bool], seconds: float = 30) -> None: ...


@pytest.fixture
def a_slicer() -> Iterator[ModuleType]:
    """``slicer`` as after a start of the application; fails when an exception left a slot or an observer."""
    yield from _fresh(mainWindow=True)


@pytest.fixture
def an_app_without_main_window() -> Iterator[ModuleType]:
    """``slicer`` of an application that was started without a main window."""
    yield from _fresh(mainWindow=False)


@pytest.fixture
def a_module_widget(a_slicer: ModuleType) -> Any:
    """The Python half of the panel, set up and entered."""
    return loadModule("MedCLIPSeg", enter=True)


@pytest.fixture
def pump() -> Pump:
    def run(until: Callable[[], bool], seconds: float = 30) -> None:
        pythonqt.runEventLoop(until, seconds)
        assert until(), f"not true within {seconds:g} s"

    return run


def _fresh(mainWindow: bool) -> Iterator[ModuleType]:
    startApplication(mainWindow=mainWindow)
    resetApplication()
    pythonqt.lostErrors.clear()
    yield slicer
    resetApplication()
    assert not pythonqt.lostErrors, f"exceptions left slots or observers: {pythonqt.lostErrors}"
