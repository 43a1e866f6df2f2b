"""A scene that is closed or replaced, an image that is deleted, a reload and a second click, at any moment of a run."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pythonqt
import slicer
from review_samples import addImage
from slicerhost.fixtures import Pump

from MedCLIPSegLib.run.run_control import CANCELLING, IDLE, RUNNING, WRITING
from MedCLIPSegLogic.scene.map_volumes import map_role

PROMPTS = ("tumor in the brain MRI", "polyp")
MOMENTS = ("starting", RUNNING, CANCELLING, WRITING)


def begin(widget: Any, samples: int = 1) -> None:
    """Ask for a run of all prompts on a new image."""
    widget.logic.parameters.sampleCount, widget.logic.parameters.adaptive = samples, False
    pythonqt.processEvents(30)
    if len(widget.logic.rows) == 0:
        widget.logic.rows.add(PROMPTS)
        pythonqt.processEvents(30)
    widget.ui.runButton.click()


def reach(widget: Any, moment: str, pump: Pump) -> None:
    """Bring a run to a moment of its life."""
    control = widget.logic.runControl
    begin(widget, 1 if moment == WRITING else 100)
    assert control.state == RUNNING
    if moment in (RUNNING, CANCELLING):
        pump(lambda: widget.ui.progressBar.value > 0, 60)
    if moment == CANCELLING:
        widget.logic.cancel()
    if moment == WRITING:
        pump(lambda: control.state == WRITING and len(segments()) > 0, 60)
    assert control.state == (RUNNING if moment == "starting" else moment)


def segments() -> list[str]:
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return [name for node in nodes for name in node.GetSegmentation().GetSegmentIDs()]


def images() -> list[Any]:
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [node for node in nodes if map_role(node) is None]


def requireWorking(pump: Pump) -> None:
    """A run on a new image gives both results and nothing else."""
    widget = slicer.util.getModuleWidget("MedCLIPSeg")
    pump(lambda: not widget.logic.isRunning, 60)
    slicer.mrmlScene.Clear(0)
    node = addImage("again")
    widget.logic.rows.replaceAll([])
    widget.logic.parameters.inputVolume = node
    begin(widget)
    pump(lambda: not widget.logic.isRunning, 60)
    pythonqt.processEvents(50)
    assert len(segments()) == len(PROMPTS)
    assert [widget.logic.stateOf(row) for row in widget.logic.rows] in (
        [first, second] for first in ("done", "empty") for second in ("done", "empty")
    )


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("what", ["close", "replace", "delete", "reload"])
def test_what_goes_away_takes_the_run_along(
    a_slicer: ModuleType, a_module_widget: Any, pump: Pump, tmp_path: Path, what: str, moment: str
) -> None:
    scene = a_slicer.mrmlScene
    if what == "replace":
        addImage("other")
        assert a_slicer.util.saveScene(str(tmp_path / "other.mrb"), {})
        scene.Clear(0)
    image = addImage()
    a_module_widget.logic.parameters.inputVolume = image
    reach(a_module_widget, moment, pump)
    if what == "close":
        scene.Clear(0)
    elif what == "replace":
        scene.Clear(0)
        a_slicer.util.loadScene(str(tmp_path / "other.mrb"), {})
    elif what == "delete":
        scene.RemoveNode(image)
    else:
        a_module_widget.onReload()
    widget = a_slicer.util.getModuleWidget("MedCLIPSeg")
    pump(lambda: widget.logic.runControl.state == IDLE, 60)
    pythonqt.processEvents(100)
    isWritten = moment == WRITING and what == "reload"
    if moment == WRITING and what == "delete":
        assert 1 <= len(segments()) <= 2  # what was written until then stays
    else:
        assert len(segments()) == (2 if isWritten else 0)
    assert [node.GetName() for node in images()] == {"replace": ["other"], "reload": ["ct"]}.get(what, [])
    if what == "delete":
        stays = "what was written until then stays" if moment == WRITING else "nothing was written"
        assert stays in widget.ui.statusLabel.text
    assert widget.ui.runButton.text == "Segment all prompts"
    assert not widget.ui.progressBar.isVisibleTo(widget.ui.MedCLIPSeg)
    requireWorking(pump)


@pytest.mark.parametrize("moment", ["idle", "starting", RUNNING])
def test_two_clicks_within_one_turn_are_one(a_module_widget: Any, pump: Pump, moment: str) -> None:
    """The second click finds a button that has not been drawn anew; it must not undo what the first one did."""
    a_module_widget.logic.parameters.inputVolume = addImage()
    control, button = a_module_widget.logic.runControl, a_module_widget.ui.runButton
    if moment == "idle":
        begin(a_module_widget)
        button.click()
        assert control.state == RUNNING
        pump(lambda: not a_module_widget.logic.isRunning, 60)
        assert len(segments()) == len(PROMPTS)
        return
    reach(a_module_widget, moment, pump)
    pythonqt.processEvents(20)  # the button says "Cancel"
    for _time in range(2):
        button.click()
    assert control.state == CANCELLING
    pump(lambda: not a_module_widget.logic.isRunning, 60)
    assert segments() == []
    assert a_module_widget.ui.statusLabel.text == "Cancelled; nothing was written."


def test_keys_and_buttons_within_one_turn_start_one_run(a_module_widget: Any, pump: Pump) -> None:
    """Enter in the line, and the button: the second is told that a run is under way."""
    logic, ui = a_module_widget.logic, a_module_widget.ui
    logic.parameters.inputVolume = addImage()
    begin(a_module_widget)
    order = logic.runControl.order
    ui.promptLineEdit.text = "liver"
    ui.promptLineEdit.returnPressed()
    assert logic.runControl.order is order
    assert ui.statusLabel.text == "A run is still under way; wait for its end or cancel it."
    pump(lambda: not logic.isRunning, 60)
    assert len(segments()) == len(PROMPTS)


def test_two_rows_are_removed_by_two_clicks(a_module_widget: Any) -> None:
    logic, ui = a_module_widget.logic, a_module_widget.ui
    logic.rows.add(["first", "second", "third"])
    logic.parameters.currentRow = 1
    pythonqt.processEvents(30)
    for left in (["first", "third"], ["first"], [], []):
        ui.removePromptButton.clicked()
        assert [row.prompt for row in logic.rows] == left
    pythonqt.processEvents(30)
    assert not ui.removePromptButton.enabled
    assert ui.promptTable.rowCount == 0
