"""The panel and the scene while people wait for them, in units of what cannot be avoided."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer
from panel_turns import in_a_fresh_process
from program_costs import ellipsoid_result
from PySide6.QtCore import QTimer
from review_samples import addImage

from MedCLIPSegLib.pump import WAIT_SECONDS
from MedCLIPSegLib.run.run_control import IDLE, WRITING
from MedCLIPSegLogic.inference.result import SlicePreview, to_the_end
from MedCLIPSegLogic.runs.choices import RunChoices
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import prepare
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.review import uncertain_stops
from MedCLIPSegLogic.scene.run_preview import RunPreview
from MedCLIPSegLogic.scene.volumes import add_volume_node, volume_from_node

PROMPT = "tumor in the brain MRI"


@pytest.fixture
def a_long_run(a_module_widget: Any, pump: Callable[..., None]) -> Any:
    """The panel with an image and a prompt, PyTorch and the model loaded."""
    addImage("head", (3, 48, 64))
    logic = a_module_widget.logic
    logic.parameters.sampleCount, logic.parameters.adaptive = 60, False
    logic.rows.add([PROMPT])
    run(a_module_widget, pump)
    return a_module_widget


def run(widget: Any, pump: Callable[..., None]) -> float:
    """Seconds of the engine in the panel."""
    control = widget.logic.runControl
    begun = time.monotonic()
    widget.logic.run([row.rowId for row in widget.logic.rows])
    pump(until=lambda: control.state in (WRITING, IDLE), seconds=300)
    taken = time.monotonic() - begun
    pump(until=lambda: not widget.logic.isRunning, seconds=300)
    pythonqt.processEvents(50)
    return taken


def seconds(work: Callable[[], Any], times: int = 5) -> float:
    """Of the quickest of some."""
    found = []
    for _time in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def test_the_engine_keeps_its_speed_while_the_event_loop_holds_the_lock(
    a_long_run: Any, pump: Callable[..., None]
) -> None:
    volume = volume_from_node(a_long_run.logic.volumeNode)
    models, prepared = Models(), prepare(volume, PROMPT, RunChoices(model="mini", samples=60))

    def alone() -> float:
        return seconds(lambda: to_the_end(models.events(prepared, previews=True)), 1)

    alone()  # loads the model
    shares = [alone() / run(a_long_run, pump) for _time in range(3)]
    assert max(shares) > 0.8, shares


def test_the_event_loop_is_never_blocked_for_long(a_long_run: Any, pump: Callable[..., None]) -> None:
    """From the start of a run to its results in the scene, in waits of the pump; the best of three."""

    def longest_gap() -> float:
        turns: list[float] = []
        clock = QTimer()
        clock.timeout.connect(lambda: turns.append(time.monotonic()))
        clock.start(0)
        run(a_long_run, pump)
        clock.stop()
        return float(np.diff(turns).max())

    assert min(longest_gap() for _time in range(3)) < 5 * WAIT_SECONDS


def test_neither_the_first_run_nor_an_export_holds_the_panel_up() -> None:
    """The best of two fresh processes: the import of PyTorch against a run without it, a file against the export."""
    found = [in_a_fresh_process() for _time in range(2)]
    assert min(turns["first_run"]["longest"] / turns["run"]["longest"] for turns in found) < 6, found
    assert min(turns["export"]["longest"] / turns["export"]["whole"] for turns in found) < 0.5, found


def test_previews_and_review_take_little_more_than_reading_the_voxels(a_slicer: Any) -> None:
    result = ellipsoid_result()
    [prompt] = result.prompts
    node = add_volume_node(slicer.mrmlScene, result.volume)
    read = seconds(lambda: prompt.uncertainty.sum())
    preview = RunPreview(slicer.mrmlScene, node, [(1, 0, 0)], [0.5])
    shown = SlicePreview(0, 0, 150, 1, prompt.probability[150])
    assert seconds(lambda: preview.show(shown)) < read
    preview.remove()
    written = write_result(slicer.mrmlScene, node, result)
    segmentation, segment, map_node = written.segmentation, written.segment_ids[0], written.uncertainty_maps[0]
    assert seconds(lambda: uncertain_stops(segmentation, segment, node, map_node, 0), 2) < 100 * read
