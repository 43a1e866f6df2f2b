"""Contours of the probability."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scene_samples import SHAPE, MakeResult

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.contours import LEVELS, hide_contours, show_contours
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import find_segmentation, segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume


@pytest.fixture
def probability() -> Any:
    return np.random.default_rng(3).random(SHAPE).astype(np.float32) * 0.9


@pytest.fixture
def written(a_scene: Any, a_volume_node: Any, make_result: MakeResult, probability: Any) -> SceneResult:
    return write_result(a_scene, a_volume_node, make_result({"p": probability}))


def test_each_contour_holds_what_is_more_probable(
    a_scene: Any, a_volume_node: Any, written: SceneResult, probability: Any
) -> None:
    before = a_scene.GetNumberOfNodes()
    for _time in range(2):
        counts = show_contours(a_scene, written.probability_maps[0], a_volume_node)
    assert counts == {level: np.count_nonzero(probability > level) for level in LEVELS}
    [node] = [
        node
        for node in a_scene.GetNodes()
        if node.IsA("vtkMRMLSegmentationNode") and node.GetID() != written.segmentation.GetID()
    ]
    segmentation = node.GetSegmentation()
    names = [segmentation.GetNthSegment(number).GetName() for number in range(segmentation.GetNumberOfSegments())]
    assert names == ["5%", "25%", "50%", "75%"]  # nothing is as probable as 95 %
    for number, level in enumerate(LEVELS[:-1]):
        mask = segment_mask(node, segmentation.GetNthSegmentID(number), a_volume_node)
        np.testing.assert_array_equal(mask, probability > level)
    assert (node.GetSaveWithScene(), node.GetDisplayNode().GetSaveWithScene()) == (0, 0)
    assert find_segmentation(a_scene, a_volume_node) is written.segmentation
    hide_contours(a_scene)
    hide_contours(a_scene)
    assert a_scene.GetNumberOfNodes() == before


def test_map_of_another_grid_is_refused(a_scene: Any, a_volume: Volume, written: SceneResult) -> None:
    moved = a_volume.ijk_to_ras.copy()
    moved[1, 3] += 1
    other = add_volume_node(a_scene, Volume(a_volume.voxels, moved, "moved"))
    before = a_scene.GetNumberOfNodes()
    with pytest.raises(MedCLIPSegError, match="moved"):
        show_contours(a_scene, written.probability_maps[0], other)
    assert a_scene.GetNumberOfNodes() == before
