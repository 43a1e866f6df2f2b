"""Masks as segments: overlaps, re-runs, edits, slices, transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, box, oblique_matrix, written_segments

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.scene.colors import SEGMENT_COLORS
from MedCLIPSegLogic.scene.geometry import array_matrix, ijk_to_ras, vtk_matrix
from MedCLIPSegLogic.scene.segmentation import segment_mask, set_segment_mask
from MedCLIPSegLogic.scene.tags import mark_edited, segment_record
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

LIVER = box(SHAPE, slice(0, 3), slice(1, 8), slice(1, 8))
OTHER = box(SHAPE, slice(1, 2), slice(0, 2), slice(6, 12))


def names(segmentation_node: Any) -> list[str]:
    segmentation = segmentation_node.GetSegmentation()
    return [segmentation.GetNthSegment(index).GetName() for index in range(segmentation.GetNumberOfSegments())]


def mask_of(segmentation_node: Any, name: str, volume_node: Any) -> NDArray[np.uint8]:
    segment_id = segmentation_node.GetSegmentation().GetSegmentIdBySegmentName(name)
    return segment_mask(segmentation_node, segment_id, volume_node)


def segment_named(segmentation_node: Any, name: str) -> Any:
    segmentation = segmentation_node.GetSegmentation()
    return segmentation.GetSegment(segmentation.GetSegmentIdBySegmentName(name))


def test_overlapping_prompts_are_all_whole(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    assert names(node) == ["liver", "lesion", "unicorn"]
    assert (a_result.prompts[0].mask & a_result.prompts[1].mask).sum() == 40
    for prompt in a_result.prompts:
        np.testing.assert_array_equal(mask_of(node, prompt.name, a_volume_node), prompt.mask)


def test_empty_mask_keeps_its_segment_and_renames_none(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    segment_named(node, "liver").SetName("Leber")
    written_segments(a_scene, a_volume_node, make_result({"unicorn": np.zeros(SHAPE, np.float32)}), node)
    assert names(node) == ["Leber", "unicorn"]
    assert mask_of(node, "unicorn", a_volume_node).sum() == 0
    np.testing.assert_array_equal(mask_of(node, "Leber", a_volume_node), LIVER > 0.5)


def test_rerun_that_finds_nothing_empties_its_segment(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER, "other": OTHER}))
    written_segments(a_scene, a_volume_node, make_result({"liver": np.zeros(SHAPE, np.float32)}), node)
    assert names(node) == ["liver", "other"]
    assert mask_of(node, "liver", a_volume_node).sum() == 0
    np.testing.assert_array_equal(mask_of(node, "other", a_volume_node), OTHER > 0.5)


def test_rerun_replaces_its_own_segment_only(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER, "other": OTHER}))
    segment_ids = list(node.GetSegmentation().GetSegmentIDs())
    segment = segment_named(node, "liver")
    segment.SetName("my liver")
    segment.SetColor(0.1, 0.2, 0.3)
    moved = box(SHAPE, slice(2, 4), slice(0, 5), slice(4, 12))
    assert written_segments(a_scene, a_volume_node, make_result({"liver": moved}), node) is node
    assert list(node.GetSegmentation().GetSegmentIDs()) == segment_ids
    assert names(node) == ["my liver", "other"]
    assert segment.GetColor() == (0.1, 0.2, 0.3)
    np.testing.assert_array_equal(mask_of(node, "my liver", a_volume_node), moved > 0.5)
    np.testing.assert_array_equal(mask_of(node, "other", a_volume_node), OTHER > 0.5)


def test_reruns_do_not_pile_up_layers(a_scene: Any, a_volume_node: Any, a_result: SegmentationResult) -> None:
    node = written_segments(a_scene, a_volume_node, a_result)
    layers = node.GetSegmentation().GetNumberOfLayers()
    for _ in range(3):
        written_segments(a_scene, a_volume_node, a_result, node)
    assert node.GetSegmentation().GetNumberOfLayers() == layers == 2


def test_segment_of_the_same_name_without_our_tag_is_not_ours(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"other": OTHER}))
    by_hand = node.GetSegmentation().AddEmptySegment("", "liver")
    written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}), node)
    assert names(node) == ["other", "liver", "liver (2)"]
    assert segment_mask(node, by_hand, a_volume_node).sum() == 0


def test_edited_segment_is_never_overwritten(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    mark_edited(segment_named(node, "liver"))
    for probability in (OTHER, OTHER[:, ::-1], box(SHAPE, slice(4), slice(10), slice(12))):
        written_segments(a_scene, a_volume_node, make_result({"liver": probability}), node)
        assert names(node) == ["liver", "liver (2)"]
        np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), LIVER > 0.5)
        np.testing.assert_array_equal(mask_of(node, "liver (2)", a_volume_node), probability > 0.5)
    assert segment_record(segment_named(node, "liver"))["Edited"] == "1"
    assert segment_record(segment_named(node, "liver (2)"))["Edited"] == "0"


@pytest.mark.parametrize("to_empty", [False, True])
def test_a_change_nobody_announced_is_kept(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, to_empty: bool
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    changed = (LIVER > 0.5).astype(np.uint8)
    changed[0, 1, 1] = 0
    if to_empty:
        changed[:] = 0
    segment_id = node.GetSegmentation().GetSegmentIdBySegmentName("liver")
    set_segment_mask(node, segment_id, changed, a_volume_node)
    written_segments(a_scene, a_volume_node, make_result({"liver": OTHER}), node)
    assert names(node) == ["liver", "liver (2)"]
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), changed)
    np.testing.assert_array_equal(mask_of(node, "liver (2)", a_volume_node), OTHER > 0.5)
    assert segment_record(segment_named(node, "liver"))["Edited"] == "1"


def test_same_prompt_twice_in_one_run_gives_two_segments(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult
) -> None:
    first, second, _ = a_result.prompts
    twice = type(second)(**{**vars(second), "prompt": first.prompt, "name": first.name})
    result = type(a_result)(**{**vars(a_result), "prompts": (first, twice)})
    node = written_segments(a_scene, a_volume_node, result)
    written_segments(a_scene, a_volume_node, result, node)
    assert names(node) == ["liver", "liver (2)"]
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), first.mask)
    np.testing.assert_array_equal(mask_of(node, "liver (2)", a_volume_node), second.mask)


@pytest.mark.parametrize(("axis", "indices"), [(0, (1, 2)), (1, (0, 5, 9)), (2, (11,))])
def test_partial_rerun_replaces_only_its_slices(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, axis: int, indices: tuple[int, ...]
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER, "other": OTHER}))
    fresh = np.full(SHAPE, 0.9, np.float32)
    outside = np.ones(SHAPE[axis], bool)
    outside[list(indices)] = False
    index = (slice(None),) * axis + (outside,)
    fresh[index] = 0
    written_segments(
        a_scene, a_volume_node, make_result({"liver": fresh}, slice_axis=axis, slice_indices=indices), node
    )
    expected = (fresh > 0.5).astype(np.uint8)
    expected[index] = (LIVER > 0.5)[index]
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), expected)
    np.testing.assert_array_equal(mask_of(node, "other", a_volume_node), OTHER > 0.5)


def test_partial_rerun_can_empty_its_slices(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    nothing = np.zeros(SHAPE, np.float32)
    written_segments(a_scene, a_volume_node, make_result({"liver": nothing}, slice_indices=(0,)), node)
    assert mask_of(node, "liver", a_volume_node).sum(axis=(1, 2)).tolist() == [0, 49, 49, 0]


def test_partial_run_leaves_edited_segment_whole(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    mark_edited(segment_named(node, "liver"))
    only_slice_3 = box(SHAPE, slice(3, 4), slice(2, 4), slice(2, 4))
    written_segments(a_scene, a_volume_node, make_result({"liver": only_slice_3}, slice_indices=(3,)), node)
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), LIVER > 0.5)
    np.testing.assert_array_equal(mask_of(node, "liver (2)", a_volume_node), only_slice_3 > 0.5)


def reference_grid(segmentation_node: Any) -> tuple[NDArray[np.float64], list[int]]:
    converter = slicer.vtkSegmentationConverter
    text = segmentation_node.GetSegmentation().GetConversionParameter(
        converter.GetReferenceImageGeometryParameterName()
    )
    matrix, extent = vtk.vtkMatrix4x4(), [0] * 6
    assert converter.DeserializeImageGeometry(text, matrix, extent)
    return array_matrix(matrix), extent


@pytest.fixture
def a_transform(a_scene: Any) -> Any:
    node = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    node.SetMatrixTransformToParent(vtk_matrix(tilt()))
    return node


def tilt() -> NDArray[np.float64]:
    """Return a free rotation by 0.4 rad about two axes with a shift."""
    cosine, sine = np.cos(0.4), np.sin(0.4)
    about_z = np.array([[cosine, -sine, 0, 5], [sine, cosine, 0, -8], [0, 0, 1, 13], [0, 0, 0, 1]])
    about_x = np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])
    return about_z @ about_x


def test_segmentation_under_a_transform_is_voxel_exact(
    a_scene: Any, a_volume_node: Any, a_result: SegmentationResult, a_transform: Any
) -> None:
    a_volume_node.SetAndObserveTransformNodeID(a_transform.GetID())
    node = written_segments(a_scene, a_volume_node, a_result)
    assert node.GetTransformNodeID() == a_transform.GetID()
    matrix, extent = reference_grid(node)
    assert extent == [0, 11, 0, 9, 0, 3]
    np.testing.assert_allclose(matrix, ijk_to_ras(a_volume_node), atol=1e-5)
    for prompt in a_result.prompts:
        np.testing.assert_array_equal(mask_of(node, prompt.name, a_volume_node), prompt.mask)


def test_segmentation_follows_a_volume_that_was_moved_between_runs(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, a_transform: Any
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    a_volume_node.SetAndObserveTransformNodeID(a_transform.GetID())
    written_segments(a_scene, a_volume_node, make_result({"other": OTHER}), node)
    assert node.GetTransformNodeID() == a_transform.GetID()
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), LIVER > 0.5)
    np.testing.assert_array_equal(mask_of(node, "other", a_volume_node), OTHER > 0.5)
    a_volume_node.SetAndObserveTransformNodeID(None)
    written_segments(a_scene, a_volume_node, make_result({"other": LIVER}), node)
    assert node.GetTransformNodeID() is None
    np.testing.assert_array_equal(mask_of(node, "other", a_volume_node), LIVER > 0.5)


def test_mask_is_read_through_differing_transforms(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, make_result: MakeResult
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    shift = np.eye(4)
    shift[:3, 3] = a_volume.ijk_to_ras[:3, 0]
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "one voxel along I")
    transform.SetMatrixTransformToParent(vtk_matrix(shift))
    node.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), np.roll(LIVER > 0.5, 1, axis=2))


def test_segmentation_of_another_grid_is_refused_untouched(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    shifted = oblique_matrix()
    shifted[0, 3] += 0.3
    volume = Volume(np.zeros(SHAPE, np.uint8), shifted, "shifted")
    other_volume = add_volume_node(a_scene, volume)
    with pytest.raises(MedCLIPSegError, match="shifted"):
        written_segments(a_scene, other_volume, make_result({"other": OTHER}, volume=volume), node)
    assert names(node) == ["liver"]
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), LIVER > 0.5)


def test_empty_segmentation_takes_any_grid(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "fresh")
    assert written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}), node) is node
    assert node.GetNumberOfDisplayNodes() == 1
    np.testing.assert_array_equal(mask_of(node, "liver", a_volume_node), LIVER > 0.5)


def test_result_that_no_longer_fits_the_volume_is_refused(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, make_result: MakeResult
) -> None:
    smaller = Volume(a_volume.voxels[:2], a_volume.ijk_to_ras, "smaller")
    count = a_scene.GetNumberOfNodes()
    with pytest.raises(MedCLIPSegError, match="12 × 10 × 2 voxels"):
        written_segments(a_scene, a_volume_node, make_result({"liver": LIVER[:2]}, volume=smaller))
    assert a_scene.GetNumberOfNodes() == count


def test_segment_that_was_never_painted_is_empty(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult, a_transform: Any
) -> None:
    fresh = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "fresh")
    fresh.GetSegmentation().AddEmptySegment("alone", "alone")
    shared = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    shared.GetSegmentation().AddEmptySegment("beside", "beside")
    for transform_id in (None, a_transform.GetID()):
        a_volume_node.SetAndObserveTransformNodeID(transform_id)
        np.testing.assert_array_equal(segment_mask(fresh, "alone", a_volume_node), np.zeros(SHAPE))
        np.testing.assert_array_equal(segment_mask(shared, "beside", a_volume_node), np.zeros(SHAPE))


def test_unknown_segment_has_no_mask(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"liver": LIVER}))
    with pytest.raises(MedCLIPSegError, match="nowhere"):
        segment_mask(node, "nowhere", a_volume_node)


def test_new_segments_get_colors_of_their_own(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    nothing = np.zeros(SHAPE, np.float32)
    prompts = [f"prompt {number}" for number in range(len(SEGMENT_COLORS))]
    node = written_segments(a_scene, a_volume_node, make_result(dict.fromkeys(prompts, nothing)))
    colors = [segment_named(node, prompt).GetColor() for prompt in prompts]
    np.testing.assert_allclose(colors, SEGMENT_COLORS)
    node.GetSegmentation().RemoveSegment(node.GetSegmentation().GetNthSegmentID(2))
    written_segments(a_scene, a_volume_node, make_result({"late": nothing, "later": nothing}), node)
    np.testing.assert_allclose(segment_named(node, "late").GetColor(), SEGMENT_COLORS[2])
    np.testing.assert_allclose(segment_named(node, "later").GetColor(), SEGMENT_COLORS[0])


def test_name_with_line_breaks_becomes_one_line(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    node = written_segments(a_scene, a_volume_node, make_result({"left\n kidney ": LIVER}))
    assert names(node) == ["left kidney"]
    # A choice of terminology must not rename it.
    assert not segment_named(node, "left kidney").GetNameAutoGenerated()
    assert segment_record(segment_named(node, "left kidney"))["Prompt"] == "left\n kidney "
