"""From the panel's choices, and a script's, to the request: the same as everywhere, in few steps."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import pytest
import slicer
from front_cases import A_SAM, CASES, IMAGE, PROMPT, expected, told
from slicerhost.fixtures import Pump
from slicerhost.start import REPOSITORY
from small_sam import save_sam

from MedCLIPSegLib.model.model_section import stepWords
from MedCLIPSegLib.run.order import orderOf
from MedCLIPSegLib.run.run_section import progressText, stageWords, unitWords
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import Progress, Stage, Unit
from MedCLIPSegLogic.runs import models
from MedCLIPSegLogic.runs.preparing import PreparedRun
from MedCLIPSegLogic.zoo.hub import Step

PARAMETERS = {
    "model": "model",
    "samples": "sampleCount",
    "noise": "noise",
    "smoothing": "smoothing",
    "plane": "plane",
    "seed": "seed",
    "three_planes": "threePlanes",
    "preset": "intensity",
    "towers": "zeroShotTowers",
    "sam": "zeroShotSam",
    "object_prompts": "zeroShotPrompts",
    "points": "zeroShotPoints",
    "binarization": "zeroShotBinarization",
    "objects": "zeroShotObjects",
    "study": "zeroShotStudy",
    "design": "zeroShotDesign",
    "kind": "zeroShotKind",
}
"""Parameter of the panel by the name of a choice, where the value is the same."""
STATIONS = [
    "RunSection._onButton",
    "MedCLIPSegLogic.run",
    "orderOf",
    "preparedRun",
    "prepare",
    "RunControl.start",
    "Worker.submit",
    "Worker._loop",
    "Worker._work",
    "RunControl._events",
    "Models.events",
]
"""What a click on Segment passes until the engine runs, on the main thread and on the worker's."""


@pytest.fixture
def an_image(a_module_widget: Any) -> Any:
    node = slicer.util.loadVolume(str(IMAGE))
    a_module_widget.logic.parameters.inputVolume = node
    return node


def byPanel(widget: Any, choices: dict[str, Any]) -> PreparedRun:
    logic, rest = widget.logic, dict(choices)
    widget.logic.release()
    slicer.mrmlScene.RemoveNode(logic.getParameterNode().parameterNode)
    parameters = logic.bind()
    parameters.adaptive = rest.pop("adaptive", False)
    for name in set(rest) & set(PARAMETERS):
        setattr(parameters, PARAMETERS[name], rest.pop(name))
    parameters.zeroShotPadding = round(100 * rest.pop("padding", 0))
    parameters.zeroShotConfidence = round(100 * rest.pop("confidence", -0.01))
    if "slices" in rest:
        first, end = map(int, rest.pop("slices").split(":"))
        parameters.scope, parameters.firstSlice, parameters.lastSlice = "range", first, end - 1
    if "window" in rest:
        parameters.intensity = "display"
        display = logic.volumeNode.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevel(*rest.pop("window"))
    [row] = logic.rows.add([PROMPT])
    logic.rows.update(row.rowId, threshold=rest.pop("threshold", 0.5), islands=rest.pop("islands", "all"))
    device, threads = rest.pop("device", "auto"), rest.pop("threads", "auto")
    assert not rest
    return orderOf(logic, list(logic.rows), device, threads).prepared


class Prepared(Exception):
    """Nothing more shall happen."""


def byScript(widget: Any, choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> PreparedRun:
    asked: list[PreparedRun] = []

    def stop(_models: Any, prepared: PreparedRun) -> Any:
        asked.append(prepared)
        raise Prepared

    monkeypatch.setattr(models.Models, "events", stop)
    named = {"objectPrompts" if name == "object_prompts" else name: value for name, value in choices.items()}
    with pytest.raises(Prepared):
        widget.logic.segment(widget.logic.volumeNode, [PROMPT], **named)
    return asked[0]


def test_panel_and_script_ask_for_the_same_as_command_line_and_python(
    a_module_widget: Any, an_image: Any, a_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_sam(a_home / "models" / A_SAM)
    for name, choices in CASES.items():
        wanted = expected(choices)
        assert told(byPanel(a_module_widget, choices)) == wanted, name
        assert told(byScript(a_module_widget, choices, monkeypatch)) == wanted, name


def test_without_a_sam_both_ways_out_are_named(a_module_widget: Any, an_image: Any, pump: Pump) -> None:
    sentence = (
        "No SAM is on this computer: press “Download model…” in Model, or choose “None: the coarse mask” as SAM there."
    )
    logic = a_module_widget.logic
    logic.parameters.model = "medclip-sam-v2"
    logic.rows.add([PROMPT])
    logic.run([logic.rows[0].rowId])
    assert not logic.isRunning
    assert a_module_widget.ui.statusLabel.text == sentence
    with pytest.raises(MedCLIPSegError, match="No SAM is on this computer") as caught:
        logic.segment(an_image, [PROMPT], model="medclip-sam-v2")
    assert str(caught.value) == sentence
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")


def test_every_code_of_the_engine_has_its_words() -> None:
    assert set(stageWords()) == set(get_args(Stage))
    assert set(unitWords()) == set(get_args(Unit))
    assert set(stepWords()) == set(get_args(Step))
    for stage in get_args(Stage):
        for unit in get_args(Unit):
            text = progressText(Progress(stage, 2, 5, unit, 3, 4, 0.5, 61.0, "cuda:0"))
            assert text == f"{stageWords()[stage]}: slice 2 of 5, {unit} 3 of 4; 1 min 1 s left; graphics card"


def test_a_click_passes_few_stations_to_the_engine(a_module_widget: Any, an_image: Any, pump: Pump) -> None:
    """The functions of ours on the stack where the request is made, where the thread takes over, and at the engine."""
    passed: list[str] = []
    reached = threading.Event()
    ends = {("prepare", "preparing.py"), ("Worker.submit", "worker.py"), ("run", "engine.py")}

    def look(frame: FrameType, event: str, _value: Any) -> None:
        code = frame.f_code
        if event != "call" or (code.co_qualname, Path(code.co_filename).name) not in ends:
            return
        stack: list[str] = []
        at: FrameType | None = frame
        while at is not None:
            path = Path(at.f_code.co_filename)
            if path.is_relative_to(REPOSITORY) and path.relative_to(REPOSITORY).parts[0].startswith("MedCLIPSeg"):
                stack.insert(0, at.f_code.co_qualname)
            at = at.f_back
        passed.extend(name for name in stack if name not in passed)
        if code.co_qualname == "run":
            reached.set()

    logic = a_module_widget.logic
    logic.parameters.sampleCount = 1
    logic.rows.add([PROMPT])
    pump(lambda: a_module_widget.ui.runButton.enabled)
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        a_module_widget.ui.runButton.click()
        pump(reached.is_set, 300)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    logic.cancel()
    pump(lambda: not logic.isRunning, 300)
    assert passed == [*STATIONS, "run"]
