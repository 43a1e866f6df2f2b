"""Runs of the panel: what people do while one is under way, and what is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import pythonqt
import slicer

from MedCLIPSegLib.run.run_control import IDLE, RUNNING

pytestmark = pytest.mark.usefixtures("a_mini_that_never_refuses")

PROMPT = "tumor in the brain MRI"


@pytest.fixture
def a_volume_node(a_module_widget: Any) -> Any:
    voxels = np.random.default_rng(0).integers(0, 255, (3, 48, 64), dtype=np.uint8)
    node = slicer.util.addVolumeFromArray(voxels, name="head")
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    pythonqt.processEvents(50)
    return node


@pytest.fixture
def a_run(a_module_widget: Any, a_volume_node: Any) -> Any:
    """The widget with one prompt and a long run under way."""
    a_module_widget.logic.parameters.sampleCount = 100
    a_module_widget.logic.parameters.adaptive = False
    start(a_module_widget, PROMPT)
    assert a_module_widget.logic.runControl.state == RUNNING
    return a_module_widget


def start(widget: Any, *prompts: str) -> None:
    widget.logic.rows.add(prompts)
    widget.logic.run([row.rowId for row in widget.logic.rows])


def finish(widget: Any, pump: Callable[..., None]) -> None:
    pump(until=lambda: not widget.logic.isRunning, seconds=120)
    pythonqt.processEvents(50)


def counts() -> dict[str, int]:
    scene = slicer.mrmlScene
    found: dict[str, int] = {}
    for index in range(scene.GetNumberOfNodes()):
        name = scene.GetNthNode(index).GetClassName()
        found[name] = found.get(name, 0) + 1
    return found


def segments() -> list[str]:
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return [name for node in nodes for name in node.GetSegmentation().GetSegmentIDs()]


def test_enter_segments_what_was_typed(a_module_widget: Any, a_volume_node: Any, pump: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 2
    edit = a_module_widget.ui.promptLineEdit
    edit.text = PROMPT
    edit.returnPressed()
    assert a_module_widget.ui.runButton.text == "Cancel" or a_module_widget.logic.isRunning
    finish(a_module_widget, pump)
    assert [row.prompt for row in a_module_widget.logic.rows] == [PROMPT]
    assert len(segments()) == 1
    assert a_module_widget.logic.mapOf(a_module_widget.logic.rows[0], "Probability") is not None
    assert a_module_widget.logic.stateOf(a_module_widget.logic.rows[0]) in ("done", "empty")
    assert a_module_widget.ui.runButton.text != "Cancel"


def test_cancel_writes_nothing_and_a_new_run_works(a_run: Any, pump: Any) -> None:
    before = counts()
    pythonqt.processEvents(300)
    a_run.ui.runButton.clicked()
    finish(a_run, pump)
    assert segments() == []
    assert "ancel" in a_run.ui.statusLabel.text
    after = counts()
    assert {name: number for name, number in after.items() if name not in before} == {}
    a_run.logic.parameters.sampleCount = 2
    a_run.logic.run([row.rowId for row in a_run.logic.rows])
    finish(a_run, pump)
    assert len(segments()) == 1


def test_second_start_is_refused_and_the_first_goes_on(a_run: Any) -> None:
    order = a_run.logic.runControl.order
    a_run.logic.run([row.rowId for row in a_run.logic.rows])
    assert a_run.logic.runControl.order is order
    assert a_run.logic.runControl.state == RUNNING
    a_run.logic.cancel()


def test_closing_the_scene_drops_the_run(a_run: Any, pump: Any) -> None:
    pythonqt.processEvents(100)
    slicer.mrmlScene.Clear(0)
    finish(a_run, pump)
    assert a_run.logic.runControl.state == IDLE
    assert segments() == []
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_deleting_the_image_drops_the_run(a_run: Any, a_volume_node: Any, pump: Any) -> None:
    pythonqt.processEvents(100)
    slicer.mrmlScene.RemoveNode(a_volume_node)
    finish(a_run, pump)
    assert segments() == []
    assert "deleted" in a_run.ui.statusLabel.text


def test_results_arrive_while_another_module_is_open(a_module_widget: Any, a_volume_node: Any, pump: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 2
    start(a_module_widget, PROMPT)
    a_module_widget.exit()
    finish(a_module_widget, pump)
    assert len(segments()) == 1
    a_module_widget.enter()
    assert a_module_widget.logic.stateOf(a_module_widget.logic.rows[0]) in ("done", "empty")


def test_leaving_the_application_ends_the_run(a_run: Any) -> None:
    pythonqt.processEvents(100)
    a_run.cleanup()
    for thread in threading.enumerate():
        if thread.name == "MedCLIPSeg":
            thread.join(120)
            assert not thread.is_alive()
    assert segments() == []


def test_reload_during_a_run_gives_a_working_panel(a_run: Any, a_volume_node: Any, pump: Any) -> None:
    pythonqt.processEvents(100)
    a_run.onReload()
    pythonqt.processEvents(50)
    reloaded = slicer.util.getModuleWidget("MedCLIPSeg")
    assert reloaded is not a_run
    assert not reloaded.logic.isRunning
    assert segments() == []
    assert [row.prompt for row in reloaded.logic.rows] == [PROMPT]
    reloaded.logic.parameters.sampleCount = 1
    reloaded.logic.run([row.rowId for row in reloaded.logic.rows])
    finish(reloaded, pump)
    assert len(segments()) == 1


def test_odd_prompts_come_back_whole(a_module_widget: Any, a_volume_node: Any, pump: Any) -> None:
    odd = ['left | "right" tumor', "tumor\nin the brain", "Tumor im Gehirn – größer als 5 mm 脑", "tumor " * 83]
    a_module_widget.logic.parameters.sampleCount = 1
    start(a_module_widget, *odd)
    finish(a_module_widget, pump)
    assert [row.prompt for row in a_module_widget.logic.rows] == odd
    for row in a_module_widget.logic.rows:
        assert a_module_widget.logic.segmentOf(row) is not None
        assert a_module_widget.logic.mapOf(row, "Uncertainty") is not None


def test_second_run_adds_no_nodes(a_module_widget: Any, a_volume_node: Any, pump: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 1
    start(a_module_widget, PROMPT, "polyp")
    finish(a_module_widget, pump)
    once = counts()
    a_module_widget.logic.run([row.rowId for row in a_module_widget.logic.rows])
    finish(a_module_widget, pump)
    assert counts() == once
    assert len(segments()) == 2


def test_twelve_prompts_in_one_run(a_module_widget: Any, a_volume_node: Any, pump: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 1
    start(a_module_widget, *[f"tumor number {number}" for number in range(12)])
    finish(a_module_widget, pump)
    assert a_module_widget.ui.promptTable.rowCount == 12
    assert len(segments()) == 12


def test_undo_takes_a_result_back(a_module_widget: Any, a_volume_node: Any, pump: Any) -> None:
    a_module_widget.logic.parameters.sampleCount = 1
    start(a_module_widget, PROMPT)
    finish(a_module_widget, pump)
    assert len(segments()) == 1
    a_module_widget.ui.takeBackButton.clicked()
    pythonqt.processEvents(50)
    assert segments() == []
    assert a_module_widget.logic.stateOf(a_module_widget.logic.rows[0]) == "new"


def test_the_event_loop_turns_between_all_that_a_run_does(
    a_module_widget: Any, a_volume_node: Any, pump: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of the engine come one turn of the event loop after the other, and so do the steps of writing."""
    import qt

    done: list[str] = []
    timer = qt.QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", lambda: done.append("turn"))
    control = a_module_widget.logic.runControl
    control.progressed.connect(lambda _progress: done.append("progress"))
    write, writing = control._writeStep, "writing"
    control._writeTimer.disconnect("timeout()", write)
    control._writeTimer.connect("timeout()", lambda: (done.append(writing), write()))
    a_module_widget.logic.parameters.sampleCount = 4
    timer.start()
    start(a_module_widget, PROMPT, "polyp")
    finish(a_module_widget, pump)
    timer.stop()
    steps = [index for index, what in enumerate(done) if what == writing]
    assert len(steps) >= 2 * 4  # a segment and three maps per prompt
    assert done.count("progress") > 0
    for before, after in pairwise(steps):
        assert "turn" in done[before:after]
    # What holds the loop up is a step or a wait for the worker, of which none is repeated without a turn.
    assert done.count("turn") >= done.count("progress") + len(steps)


def test_the_button_says_what_is_missing_and_old_words_go_with_their_image(a_module_widget: Any) -> None:
    ui, logic = a_module_widget.ui, a_module_widget.logic
    assert not ui.runButton.enabled
    assert ui.statusLabel.text == ui.runButton.toolTip == "Load an image first, or try a sample."
    start(a_module_widget, PROMPT)
    assert ui.statusLabel.text == "There is no image yet; load one and choose it in Input."
    slicer.util.addVolumeFromArray(np.zeros((1, 8, 8), np.uint8), name="late")
    pythonqt.processEvents(50)
    assert logic.volumeNode is not None
    assert ui.runButton.enabled
    assert ui.statusLabel.text == ""
    logic.rows.remove(0)
    pythonqt.processEvents(50)
    assert ui.statusLabel.text == "Type what to look for, then press Enter."
