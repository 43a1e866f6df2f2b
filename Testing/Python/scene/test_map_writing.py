"""Maps: probability, uncertainty and its two parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, box, written_maps

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.arrays import copy_voxels
from MedCLIPSegLogic.scene.colors import HEAT_COLOR_NODE_NAME, HEAT_COLORS, heat_color_node
from MedCLIPSegLogic.scene.geometry import ijk_to_ras
from MedCLIPSegLogic.scene.map_volumes import (
    MUTUAL_INFORMATION,
    PROBABILITY,
    UNCERTAINTY,
    find_map,
    map_nodes,
    map_prompt,
    map_role,
)
from MedCLIPSegLogic.scene.nodes import nodes_of_class
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))
OTHER = box(SHAPE, slice(1, 2), slice(0, 2), slice(6, 12))


def voxels(node: Any) -> NDArray[Any]:
    return copy_voxels(node.GetImageData())


def test_maps_hold_the_values_on_the_grid_of_the_volume(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult
) -> None:
    maps = written_maps(a_scene, a_volume_node, a_result)
    assert len(maps) == 3
    for prompt, nodes in zip(a_result.prompts, maps, strict=True):
        expected = (prompt.probability, prompt.uncertainty, prompt.mutual_information)
        for node, values in zip(nodes, expected, strict=True):
            assert voxels(node).dtype == np.float32
            np.testing.assert_array_equal(voxels(node), values)
            np.testing.assert_array_equal(ijk_to_ras(node), ijk_to_ras(a_volume_node))


def test_maps_are_marked(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    [maps] = written_maps(a_scene, a_volume_node, make_result({"liver | ä\n": LIVER}))
    assert [map_role(node) for node in maps] == [PROBABILITY, UNCERTAINTY, MUTUAL_INFORMATION]
    assert [node.GetAttribute("MedCLIPSeg.Role") for node in maps] == [
        "Probability",
        "Uncertainty",
        "MutualInformation",
    ]
    assert {map_prompt(node) for node in maps} == {"liver | ä\n"}
    assert {node.GetAttribute("MedCLIPSeg.Model") for node in maps} == {"demo-model"}
    assert all(node.GetNodeReference("MedCLIPSeg.InputVolume") is a_volume_node for node in maps)
    assert map_role(a_volume_node) is None
    assert map_prompt(a_volume_node) == ""


def test_display_range_is_fixed(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    faint = np.full(SHAPE, 0.02, np.float32)
    [maps] = written_maps(a_scene, a_volume_node, make_result({"p": faint}))
    for node, highest in zip(maps, (1, math.log(2), math.log(2)), strict=True):
        display = node.GetDisplayNode()
        assert (display.GetAutoWindowLevel(), display.GetInterpolate(), display.GetApplyThreshold()) == (0, 0, 1)
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0, highest), abs=1e-12)
        assert display.GetLowerThreshold() == pytest.approx(highest / 20)
        assert display.GetUpperThreshold() > np.float32(highest)
        assert display.GetColorNode().GetName() == HEAT_COLOR_NODE_NAME


def test_maps_follow_the_transform_of_the_volume(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    [maps] = written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    assert {node.GetTransformNodeID() for node in maps} == {transform.GetID()}
    a_volume_node.SetAndObserveTransformNodeID(None)
    written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    assert {node.GetTransformNodeID() for node in maps} == {None}


def test_rerun_updates_the_same_nodes(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    [maps] = written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    maps[0].SetName("renamed")
    maps[0].GetDisplayNode().SetLowerThreshold(0.3)
    count = a_scene.GetNumberOfNodes()
    result = make_result({"liver": OTHER}, settings={"model": "other-model"})
    [again] = written_maps(a_scene, a_volume_node, result)
    assert again[0] is maps[0]
    assert again[1] is maps[1]
    assert a_scene.GetNumberOfNodes() == count
    assert maps[0].GetName() == "renamed"
    assert maps[0].GetDisplayNode().GetLowerThreshold() == 0.3
    assert maps[0].GetAttribute("MedCLIPSeg.Model") == "other-model"
    np.testing.assert_array_equal(voxels(maps[0]), OTHER)
    np.testing.assert_array_equal(voxels(maps[1]), result.prompts[0].uncertainty)
    assert again[2] is maps[2]


def test_rerun_finds_maps_after_the_volume_was_renamed(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    [maps] = written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    a_volume_node.SetName("renamed")
    assert written_maps(a_scene, a_volume_node, make_result({"liver": OTHER})) == [maps]


def test_maps_of_two_volumes_are_apart(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, make_result: MakeResult
) -> None:
    second = add_volume_node(a_scene, a_volume)
    [first_maps] = written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    [second_maps] = written_maps(a_scene, second, make_result({"liver": OTHER}))
    np.testing.assert_array_equal(voxels(first_maps[0]), LIVER)
    assert list(map_nodes(a_scene, a_volume_node)) == list(first_maps)
    assert list(map_nodes(a_scene, second)) == list(second_maps)
    assert list(map_nodes(a_scene)) == [*first_maps, *second_maps]
    assert find_map(a_scene, second, "liver", UNCERTAINTY) is second_maps[1]
    assert find_map(a_scene, second, "Liver", UNCERTAINTY) is None


@pytest.mark.parametrize(("axis", "indices"), [(0, (1, 2)), (1, (9, 0)), (2, (11,))])
def test_partial_rerun_updates_only_its_slices(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, axis: int, indices: tuple[int, ...]
) -> None:
    [maps] = written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    fresh = np.full(SHAPE, 0.7, np.float32)
    written_maps(a_scene, a_volume_node, make_result({"liver": fresh}, slice_axis=axis, slice_indices=indices))
    expected = LIVER.copy()
    for index in indices:
        np.moveaxis(expected, axis, 0)[index] = 0.7
    np.testing.assert_array_equal(voxels(maps[0]), expected)


def test_same_prompt_twice_in_one_run_gives_two_sets(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult
) -> None:
    result = type(a_result)(**{**vars(a_result), "prompts": (a_result.prompts[0],) * 2})
    first = written_maps(a_scene, a_volume_node, result)
    assert len({node.GetID() for maps in first for node in maps}) == 6
    assert written_maps(a_scene, a_volume_node, result) == first


def test_lost_display_comes_back(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    [maps] = written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    a_scene.RemoveNode(maps[1].GetDisplayNode())
    written_maps(a_scene, a_volume_node, make_result({"liver": LIVER}))
    assert maps[1].GetDisplayNode().GetWindowLevelMax() == pytest.approx(math.log(2))


def test_result_that_no_longer_fits_is_refused(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, make_result: MakeResult
) -> None:
    smaller = Volume(a_volume.voxels[:2], a_volume.ijk_to_ras, "smaller")
    count = a_scene.GetNumberOfNodes()
    with pytest.raises(MedCLIPSegError, match="run again"):
        written_maps(a_scene, a_volume_node, make_result({"liver": LIVER[:2]}, volume=smaller))
    assert a_scene.GetNumberOfNodes() == count


def test_color_node_is_added_once(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    written_maps(a_scene, a_volume_node, a_result)
    written_maps(a_scene, a_volume_node, a_result)
    heat = [node for node in nodes_of_class(a_scene, "vtkMRMLColorNode") if node.GetName() == HEAT_COLOR_NODE_NAME]
    assert heat == [heat_color_node(a_scene)]
    assert not heat[0].GetHideFromEditors()


def test_heat_colors_rise_evenly_in_lightness() -> None:
    srgb = np.array(HEAT_COLORS)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ (0.2126, 0.7152, 0.0722)) - 16
    # The cube root holds above 0.9 % of white only.
    steps = np.diff(lightness[1:])
    assert lightness[0] < 3
    assert lightness[-1] > 97
    np.testing.assert_allclose(steps, 8, atol=0.25)
