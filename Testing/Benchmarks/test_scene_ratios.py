"""What a user waits for in the scene of a large volume, as shares of writing its result or of drawing a view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from offscreen_slice import OffscreenSlice
from preview_samples import GREEN, RED, preview
from scene_samples import mapping_of, prompt_result

from MedCLIPSegLab.results.headless_scene import HeadlessScene, create_scene
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result_steps
from MedCLIPSegLogic.scene.review import uncertain_stops
from MedCLIPSegLogic.scene.run_preview import RunPreview
from MedCLIPSegLogic.scene.threshold import LiveThreshold
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LARGE = (100, 512, 512)


class Written:
    """A result of two prompts in a scene, and the seconds of each step of writing it."""

    def __init__(self) -> None:
        self.session: HeadlessScene = create_scene()
        volume = Volume(np.zeros(LARGE, np.int16), np.diag([0.7, 0.7, 2.0, 1.0]), "large")
        k, j, i = np.ogrid[: LARGE[0], : LARGE[1], : LARGE[2]]
        ball = np.exp(-(((k - 50) / 40) ** 2 + ((j - 230) / 200) ** 2 + ((i - 256) / 200) ** 2)).astype(np.float32)
        prompts = (prompt_result("ball", ball), prompt_result("mirrored", ball[:, ::-1]))
        result = SegmentationResult(volume, prompts, 0, tuple(range(LARGE[0])), mapping_of(volume), {}, 1.0)
        self.volume_node: Any = add_volume_node(self.session.scene, volume)
        self.steps: list[float] = []
        steps = write_result_steps(self.session.scene, self.volume_node, result)
        while True:
            started = time.perf_counter()
            try:
                next(steps)
            except StopIteration as end:
                self.nodes: SceneResult = end.value
                return
            self.steps.append(time.perf_counter() - started)


@pytest.fixture(scope="module")
def written() -> Written:
    return Written()


def median_seconds(action: Callable[[int], object], count: int) -> float:
    seconds = []
    for number in range(count):
        started = time.perf_counter()
        action(number)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def test_no_step_of_writing_blocks_the_application(written: Written) -> None:
    assert max(written.steps) < 0.4 * sum(written.steps)


def test_review_is_faster_than_writing(written: Written) -> None:
    nodes = written.nodes
    arguments = (nodes.segmentation, nodes.segment_ids[0], written.volume_node, nodes.uncertainty_maps[0], 0)
    assert median_seconds(lambda _: uncertain_stops(*arguments), 3) < sum(written.steps)


def test_threshold_follows_a_slider(written: Written) -> None:
    nodes = written.nodes
    live = LiveThreshold(nodes.segmentation, nodes.segment_ids[0], nodes.probability_maps[0], written.volume_node)
    live.apply(0.5)
    thresholds = np.linspace(0.1, 0.9, 9)
    assert median_seconds(lambda number: live.apply(thresholds[number]), 9) < 0.1 * sum(written.steps)


def test_a_preview_is_shown_at_once(written: Written) -> None:
    views = [OffscreenSlice(written.session, name, (200, 200)) for name in ("Red", "Green", "Yellow")]
    for view, orientation in zip(views, ("Axial", "Coronal", "Sagittal"), strict=True):
        view.show(written.volume_node)
        view.node.SetOrientation(orientation)
        view.pixels()
    shown = RunPreview(written.session.scene, written.volume_node, (RED, GREEN), (0.5, 0.5))
    for axis, shape in ((0, (512, 512)), (1, (100, 512)), (2, (100, 512))):
        values = np.random.default_rng(1).random(shape, np.float32)

        def show(number: int, axis: int = axis, values: Any = values) -> None:
            shown.show(preview(values, prompt_number=number % 2, slice_index=15 + number // 2, slice_axis=axis))

        assert median_seconds(show, 30) < 0.04 * sum(written.steps)
    shown.remove()
