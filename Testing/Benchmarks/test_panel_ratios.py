"""A run in the panel beside the same run alone, and the event loop beside both."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pythonqt

import MedCLIPSegLogic
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

PICTURE = Path(MedCLIPSegLogic.__file__).parent / "Resources" / "Demo" / "breast_ultrasound.jpg"
PROMPT = "tumor"


@pytest.fixture
def a_volume() -> Volume:
    return read_volume(PICTURE)


@pytest.fixture
def a_ready_widget(a_module_widget: Any, a_volume: Volume, pump: Any) -> Any:
    """The panel with an image and a prompt, after a first run that loads PyTorch and the model."""
    import slicer

    logic = a_module_widget.logic
    node = add_volume_node(slicer.mrmlScene, a_volume)
    logic.parameters.inputVolume = node
    logic.parameters.sampleCount = 60
    logic.rows.add([PROMPT])
    seconds_in_panel(a_module_widget, pump)
    return a_module_widget


def seconds_in_panel(widget: Any, pump: Any) -> float:
    started = time.monotonic()
    widget.logic.run([row.rowId for row in widget.logic.rows])
    pump(lambda: not widget.logic.isRunning)
    return time.monotonic() - started


def test_the_event_loop_turns_during_a_run(a_ready_widget: Any, pump: Any) -> None:
    from PySide6.QtCore import QTimer

    turns: list[float] = []
    clock = QTimer()
    clock.timeout.connect(lambda: turns.append(time.monotonic()))
    clock.start(0)
    seconds = seconds_in_panel(a_ready_widget, pump)
    clock.stop()
    assert float(np.diff(turns).max()) < 0.25 * seconds


def test_the_engine_keeps_its_speed(a_ready_widget: Any, a_volume: Volume, pump: Any) -> None:
    model, request = load_model("mini"), SegmentationRequest(a_volume, (PROMPT,), samples=60)

    def alone() -> float:
        started = time.monotonic()
        list(run(model, request, previews=True))
        return time.monotonic() - started

    alone()
    # In the panel the result is written into the scene too. The best of three: other work of the machine counts not.
    shares = [alone() / seconds_in_panel(a_ready_widget, pump) for _ in range(3)]
    assert max(shares) > 0.6, shares


def test_a_thread_starves_in_an_event_loop_that_does_not_wait_lock_free(a_slicer: Any) -> None:
    import qt

    passes, is_over = [0], threading.Event()

    def count() -> None:
        matrix = np.ones((120, 120), np.float32)
        while not is_over.is_set():
            np.sin(matrix)
            time.sleep(0)
            passes[0] += 1

    def during(wait: Any) -> int:
        before = passes[0]
        wait()
        return passes[0] - before

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: time.sleep(0.02))
    try:
        alone = during(lambda: time.sleep(0.6))
        starved = during(lambda: pythonqt.runEventLoop(lambda: False, 0.6))
        timer.start(0)
        served = during(lambda: pythonqt.runEventLoop(lambda: False, 0.6))
        timer.stop()
    finally:
        is_over.set()
        thread.join()
    assert starved < 0.2 * alone
    assert served > 0.6 * alone
