"""A scene, a volume and results to write, on the real libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from composite_nodes import add_composite
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, box, mapping_of, oblique_matrix, prompt_result

from MedCLIPSegLab.results.headless_scene import HeadlessScene, create_scene
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume


@pytest.fixture
def a_session() -> HeadlessScene:
    return create_scene()


@pytest.fixture
def a_scene(a_session: HeadlessScene) -> Any:
    return a_session.scene


@pytest.fixture
def a_volume() -> Volume:
    voxels = np.random.default_rng(0).normal(100, 20, SHAPE).astype(np.float32)
    return Volume(voxels, oblique_matrix(), "ct")


@pytest.fixture
def a_picture() -> Volume:
    voxels = np.random.default_rng(1).integers(0, 256, (1, 10, 12, 3), dtype=np.uint8)
    return Volume(voxels, PICTURE_IJK_TO_RAS, "photo", spacing_known=False)


@pytest.fixture
def a_volume_node(a_scene: Any, a_volume: Volume) -> Any:
    return add_volume_node(a_scene, a_volume)


@pytest.fixture
def make_result(a_volume: Volume) -> MakeResult:
    """Return a function that makes a result from prompt → probability; all slices along K unless told otherwise."""

    def make(
        probabilities: dict[str, NDArray[np.float32]],
        volume: Volume = a_volume,
        slice_axis: int = 0,
        slice_indices: tuple[int, ...] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> SegmentationResult:
        indices = tuple(range(volume.shape[slice_axis])) if slice_indices is None else slice_indices
        prompts = tuple(prompt_result(prompt, values) for prompt, values in probabilities.items())
        record = {"model": "demo-model", "samples": 30, "seed": 5} if settings is None else settings
        return SegmentationResult(volume, prompts, slice_axis, indices, mapping_of(volume), record, 1.5)

    return make


@pytest.fixture
def a_result(make_result: MakeResult) -> SegmentationResult:
    """Two prompts that overlap in 2 × 4 × 5 voxels, and one that finds nothing."""
    return make_result(
        {
            "liver": box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8)),
            "lesion": box(SHAPE, slice(1, 4), slice(4, 9), slice(3, 9)),
            "unicorn": np.full(SHAPE, 0.1, np.float32),
        }
    )


@pytest.fixture
def a_written_result(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> SceneResult:
    return write_result(a_scene, a_volume_node, a_result)


@pytest.fixture
def three_views(a_scene: Any, a_volume: Volume, a_volume_node: Any) -> list[Any]:
    """Composite nodes in three states: all layers with a blend; background only; nothing at all."""
    foreground = add_volume_node(a_scene, a_volume)
    label = a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "label")
    red, green, yellow = (add_composite(a_scene, name) for name in ("Red", "Green", "Yellow"))
    red.SetBackgroundVolumeID(a_volume_node.GetID())
    red.SetForegroundVolumeID(foreground.GetID())
    red.SetLabelVolumeID(label.GetID())
    red.SetForegroundOpacity(1 / 3)
    red.SetLabelOpacity(0.123456789012345)
    red.SetCompositing(red.Add)
    red.SetAttribute("Someone.Else", "kept")
    green.SetBackgroundVolumeID(a_volume_node.GetID())
    green.SetLinkedControl(1)
    return [red, green, yellow]


@pytest.fixture
def a_display(a_written_result: SceneResult) -> Any:
    """Segment display the user has changed."""
    display = a_written_result.segmentation.GetDisplayNode()
    display.SetOpacity2DFill(0.1 + 0.2)
    display.SetOpacity2DOutline(0.7)
    display.SetVisibility2DOutline(False)
    return display
