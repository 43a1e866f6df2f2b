"""The panel from Apply to the end of a run, on a real scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qt_double import QTimer, turn_event_loop

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import Progress, PromptResult, SegmentationResult
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve


def result_of(request: Any) -> SegmentationResult:
    """A result with every second voxel inside."""
    shape = request.volume.shape
    mask = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(np.uint8)
    zeros = np.zeros(shape, np.float32)
    mapping = resolve(default_rule(request.volume), request.volume)
    prompts = tuple(PromptResult(text, text, zeros, mask, zeros, zeros, zeros, 0.5, 0.0) for text in request.prompts)
    return SegmentationResult(request.volume, prompts, 0, (0,), mapping, {"model": "double"}, 1.25)


@pytest.fixture
def engine(panel: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The engine replaced by two steps of progress and a result."""
    state = SimpleNamespace(closed=0, requests=[], error=None)

    def steps(request: Any) -> Iterator[Any]:
        state.requests.append(request)
        try:
            yield Progress("Segmenting", 1, 1, 15, 30, 0.5, 3.0)
            if state.error:
                raise state.error
            yield Progress("Segmenting", 1, 1, 30, 30, 1.0, 0.0)
            yield result_of(request)
        finally:
            state.closed += 1

    monkeypatch.setattr(panel.logic, "_steps", steps)
    return state


def click_apply(panel: Any) -> None:
    panel.ui.applyButton.emit("clicked(bool)")


def status(panel: Any) -> str:
    return panel.ui.statusLabel.text


def segmentations(scene: Any) -> list[Any]:
    return [
        scene.GetNthNodeByClass(number, "vtkMRMLSegmentationNode")
        for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))
    ]


def test_first_image_of_the_scene_is_chosen(panel: Any) -> None:
    assert panel.parameters.node.inputVolume.GetName() == "picture"
    assert panel.ui.applyButton.enabled
    assert not panel.ui.progressBar.visible


def test_apply_needs_a_prompt(panel: Any) -> None:
    panel.ui.promptLineEdit.text = "  "
    panel.ui.promptLineEdit.emit("textChanged(QString)")
    assert not panel.ui.applyButton.enabled


def test_apply_needs_an_image(panel: Any, engine: SimpleNamespace) -> None:
    panel.parameters.node.inputVolume = None
    assert not panel.ui.applyButton.enabled
    click_apply(panel)
    assert status(panel).startswith("There is no input image")


def test_run_writes_the_mask_on_the_voxel_grid(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    from MedCLIPSegLogic.scene.segmentation import segment_mask

    click_apply(panel)
    assert panel.ui.applyButton.text == "Cancel"
    turn_event_loop(1)
    assert status(panel) == "Segmenting: slice 1 of 1, sample 15 of 30; 3 s left"
    assert panel.ui.progressBar.value == 500
    turn_event_loop()
    (segmentation,) = segmentations(scene)
    volume = panel.parameters.node.inputVolume
    segment = segmentation.GetSegmentation().GetNthSegmentID(0)
    mask = segment_mask(segmentation, segment, volume)
    np.testing.assert_array_equal(mask, np.arange(20).reshape(1, 4, 5) % 2)
    assert panel.parameters.node.segmentation is segmentation
    assert status(panel).splitlines()[-1] == "Done in 1.2 s."
    assert (panel.ui.applyButton.text, panel.ui.progressBar.visible) == ("Apply", False)
    assert engine.requests[0].prompts == ("a bright area",)


def test_second_run_writes_to_the_same_segmentation(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    for prompt in ("a bright area", "a dark area"):
        panel.ui.promptLineEdit.text = prompt
        click_apply(panel)
        turn_event_loop()
    (segmentation,) = segmentations(scene)
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 2


def test_another_image_gets_its_own_segmentation(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    from MedCLIPSegLogic.scene.volumes import add_volume_node
    from MedCLIPSegLogic.volumes.volume import Volume

    click_apply(panel)
    turn_event_loop()
    other = add_volume_node(scene, Volume(np.zeros((2, 3, 3), np.int16), np.eye(4), "scan"))
    panel.parameters.node.inputVolume = other
    click_apply(panel)
    turn_event_loop()
    assert len(segmentations(scene)) == 2
    assert status(panel).splitlines()[-1].startswith("Done")


def test_own_maps_are_refused_as_input(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    from MedCLIPSegLogic.scene.maps import map_nodes

    click_apply(panel)
    turn_event_loop()
    panel.parameters.node.inputVolume = next(iter(map_nodes(scene)))
    click_apply(panel)
    assert status(panel).startswith("This image is a map made by MedCLIPSeg")
    assert QTimer.active == []


def cancel(panel: Any, scene: Any) -> None:
    click_apply(panel)


def close_scene(panel: Any, scene: Any) -> None:
    scene.Clear()


def delete_input(panel: Any, scene: Any) -> None:
    scene.RemoveNode(panel.parameters.node.inputVolume)


@pytest.mark.parametrize(
    ("interrupt", "said"),
    [
        (cancel, "Cancelled; nothing was written."),
        (close_scene, "The scene was closed, so the run was stopped; nothing was written."),
        (delete_input, "The input image was deleted, so the run was stopped; nothing was written."),
    ],
)
def test_interrupted_run_writes_nothing(
    panel: Any, engine: SimpleNamespace, scene: Any, interrupt: Callable[[Any, Any], None], said: str
) -> None:
    click_apply(panel)
    turn_event_loop(1)
    interrupt(panel, scene)
    turn_event_loop()
    assert status(panel) == said
    assert engine.closed == 1
    assert segmentations(scene) == []
    assert not panel.ui.progressBar.visible
    assert panel.ui.applyButton.text == "Apply"


def test_scene_closed_while_idle(panel: Any, scene: Any) -> None:
    before = panel.parameters.node.node
    scene.Clear()
    assert panel.parameters.node.bound == 1
    assert panel.parameters.node.inputVolume is None
    assert status(panel) == ""
    assert before is not None


def test_another_node_may_go_during_a_run(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    click_apply(panel)
    turn_event_loop(1)
    scene.RemoveNode(other)
    turn_event_loop()
    assert len(segmentations(scene)) == 1


def test_run_after_cancel(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    click_apply(panel)
    turn_event_loop(1)
    click_apply(panel)
    click_apply(panel)
    turn_event_loop()
    assert len(segmentations(scene)) == 1


def test_result_arrives_while_another_module_is_open(panel: Any, engine: SimpleNamespace, scene: Any) -> None:
    click_apply(panel)
    panel.exit()
    assert panel.parameters.node.bound == 0
    turn_event_loop()
    assert len(segmentations(scene)) == 1
    panel.enter()
    assert panel.parameters.node.bound == 1


@pytest.mark.parametrize(
    ("error", "traces"), [(MedCLIPSegError("Not enough memory."), 0), (RuntimeError("inner trouble"), 1)]
)
def test_failure_is_one_line(
    panel: Any, engine: SimpleNamespace, caplog: pytest.LogCaptureFixture, error: Exception, traces: int
) -> None:
    engine.error = error
    click_apply(panel)
    turn_event_loop()
    assert status(panel) == str(error)
    assert len([record for record in caplog.records if record.exc_info]) == traces
    assert panel.ui.applyButton.enabled


def test_missing_packages_stop_before_the_run(panel: Any, engine: SimpleNamespace) -> None:
    def ensure() -> None:
        assert not panel.ui.applyButton.enabled
        raise MedCLIPSegError("PyTorch was not installed.")

    panel.dependencies = SimpleNamespace(ensure=ensure)
    click_apply(panel)
    assert status(panel) == "PyTorch was not installed."
    assert panel.ui.applyButton.enabled
    assert engine.requests == []


def test_leaving_slicer_during_a_run(panel: Any, engine: SimpleNamespace) -> None:
    click_apply(panel)
    turn_event_loop(1)
    panel.cleanup()
    assert engine.closed == 1
    assert QTimer.active == []
