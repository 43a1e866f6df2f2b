"""The overlay as drawn in a slice view."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from offscreen_slice import OffscreenSlice
from scene_samples import MakeResult, mapping_of, prompt_result

from MedCLIPSegLab.results.headless_scene import HeadlessScene
from MedCLIPSegLogic.inference.result import MAX_ENTROPY, SegmentationResult
from MedCLIPSegLogic.scene.overlay import hide_overlay, show_overlay
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

SIZE = (480, 400)
LEFT, MIDDLE, RIGHT = (200, 20), (200, 200), (200, 345)
"""Pixels (row, column) in the left, middle and right third of the picture, away from the legend's text."""


@pytest.fixture
def a_grey_picture() -> Volume:
    """A smooth grey picture of the shape of the view."""
    row, column = np.mgrid[:40, :48]
    voxels = np.round(100 + 60 * np.sin(row / 9) * np.cos(column / 7)).astype(np.float32)
    return Volume(voxels[None], PICTURE_IJK_TO_RAS, "grey", spacing_known=False)


@pytest.fixture
def a_striped_result(a_grey_picture: Volume) -> SegmentationResult:
    """Thirds from left to right: undecided, fairly sure of the organ, sure that there is none."""
    probability = np.repeat(np.array([0.5, 0.9, 0.001], np.float32), 16)[None, None].repeat(40, axis=1)
    prompt = prompt_result("organ", probability)
    # Rounded up, as float32 does with ln 2: such voxels are the most uncertain and must be drawn.
    prompt.uncertainty[..., :16] = np.nextafter(np.float32(MAX_ENTROPY), np.float32(1))
    return SegmentationResult(a_grey_picture, (prompt,), 0, (0,), mapping_of(a_grey_picture), {}, 1.0)


@pytest.fixture
def a_view(a_session: HeadlessScene, a_grey_node: Any) -> OffscreenSlice:
    view = OffscreenSlice(a_session, "Red", SIZE)
    view.show(a_grey_node)
    return view


@pytest.fixture
def a_grey_node(a_scene: Any, a_grey_picture: Volume) -> Any:
    return add_volume_node(a_scene, a_grey_picture)


@pytest.fixture
def a_written_result(a_scene: Any, a_grey_node: Any, a_striped_result: SegmentationResult) -> SceneResult:
    return write_result(a_scene, a_grey_node, a_striped_result)


def is_grey(pixel: NDArray[np.uint8]) -> bool:
    return bool(np.ptp(pixel.astype(int)) <= 2)


def test_toggle_changes_the_picture_and_brings_it_back(
    a_scene: Any, a_view: OffscreenSlice, a_written_result: SceneResult
) -> None:
    before = a_view.pixels()
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation)
    during = a_view.pixels()
    hide_overlay(a_scene)
    after = a_view.pixels()
    assert (before != during).any(axis=2).mean() > 0.5
    np.testing.assert_array_equal(after, before)


def test_uncertain_part_is_bright_and_confident_part_is_the_image(
    a_scene: Any, a_view: OffscreenSlice, a_written_result: SceneResult
) -> None:
    plain = a_view.pixels()
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation, opacity=1.0)
    shown = a_view.pixels()
    np.testing.assert_allclose(shown[LEFT], (255, 251, 208), atol=3)
    assert shown[MIDDLE][0] > shown[MIDDLE][2] + 60
    np.testing.assert_array_equal(shown[RIGHT], plain[RIGHT])
    assert is_grey(shown[RIGHT])


def test_opacity_blends_with_the_image(a_scene: Any, a_view: OffscreenSlice, a_written_result: SceneResult) -> None:
    a_written_result.segmentation.GetDisplayNode().SetVisibility(False)
    plain = a_view.pixels()[LEFT].astype(float)
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], None, opacity=0.25)
    blended = a_view.pixels()[LEFT]
    np.testing.assert_allclose(blended, 0.75 * plain + 0.25 * np.array((255, 251, 208)), atol=3)


def test_segments_become_outlines(a_scene: Any, a_view: OffscreenSlice, a_written_result: SceneResult) -> None:
    assert not is_grey(a_view.pixels()[MIDDLE])
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], a_written_result.segmentation, opacity=0.0)
    shown = a_view.pixels()
    assert is_grey(shown[MIDDLE])
    border = shown[200, 150:170].astype(int)
    blueness = (border[:, 2] - border[:, 0]).max()
    assert blueness > 100


def test_legend_is_drawn_with_the_overlay_only(
    a_scene: Any, a_view: OffscreenSlice, a_written_result: SceneResult
) -> None:
    a_written_result.segmentation.GetDisplayNode().SetVisibility(False)
    corner = (slice(None), slice(-25, None))
    assert np.ptp(a_view.pixels()[corner].astype(int), axis=2).max() <= 2
    show_overlay(a_scene, a_written_result.uncertainty_maps[0], None, opacity=0.0)
    bar = a_view.pixels()[corner].astype(int)
    assert np.ptp(bar, axis=2).max() > 150


def test_range_is_the_same_for_strong_and_faint_maps(
    a_scene: Any, a_view: OffscreenSlice, a_grey_node: Any, a_grey_picture: Volume, make_result: MakeResult
) -> None:
    faint = np.full((1, 40, 48), 0.03, np.float32)
    written = write_result(a_scene, a_grey_node, make_result({"faint": faint}, volume=a_grey_picture))
    show_overlay(a_scene, written.uncertainty_maps[0], None, opacity=1.0)
    # 0.135 nats lie at a fifth of the scale, a dark red.
    assert a_view.pixels()[LEFT].max() < 110
