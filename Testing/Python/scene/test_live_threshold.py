"""The threshold of a segment while a slider moves it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, box, oblique_matrix, prompt_result
from segment_editing import assert_same_masks, masks_of, paint, undo_editor

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.arrays import voxel_view
from MedCLIPSegLogic.scene.geometry import vtk_matrix
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.segmentation import segment_mask, was_edited
from MedCLIPSegLogic.scene.tags import mark_edited, segment_record
from MedCLIPSegLogic.scene.threshold import LiveThreshold
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume


def ramp(low: float = 0.01, high: float = 0.99) -> NDArray[np.float32]:
    """Return probabilities that rise along I in every row, shuffled over the rows."""
    values = np.linspace(low, high, int(np.prod(SHAPE)), dtype=np.float32)
    return np.random.default_rng(3).permutation(values).reshape(SHAPE)


@pytest.fixture
def a_written_result(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> SceneResult:
    """Three prompts: "ramp" overlaps the other two, which share a layer."""
    left = box(SHAPE, slice(0, 2), slice(0, 4), slice(0, 6))
    right = box(SHAPE, slice(2, 4), slice(5, 9), slice(6, 12))
    return write_result(a_scene, a_volume_node, make_result({"left": left, "right": right, "ramp": ramp()}))


@pytest.fixture
def make_live(a_written_result: SceneResult, a_volume_node: Any) -> Any:
    def make(number: int = 2) -> LiveThreshold:
        return LiveThreshold(
            a_written_result.segmentation,
            a_written_result.segment_ids[number],
            a_written_result.probability_maps[number],
            a_volume_node,
        )

    return make


@pytest.fixture
def an_editor(a_scene: Any, a_written_result: SceneResult, a_volume_node: Any) -> Any:
    return undo_editor(a_scene, a_written_result.segmentation, a_volume_node)


def test_mask_is_what_lies_above_the_threshold(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any
) -> None:
    before = masks_of(a_written_result.segmentation, a_volume_node)
    live = make_live()
    probability = ramp()
    exact = float(probability[1, 2, 3])
    for threshold in (0.2, 0.9, 0.05, 0.995, 0.5, exact, 0.3):
        live.apply(threshold)
        before[a_written_result.segment_ids[2]] = (probability > threshold).astype(np.uint8)
        assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), before)


@pytest.mark.parametrize("number", [0, 1])
def test_other_segments_of_the_same_layer_stay(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any, number: int
) -> None:
    segmentation = a_written_result.segmentation
    layers = [segmentation.GetSegmentation().GetLayerIndex(each) for each in a_written_result.segment_ids]
    assert layers == [0, 0, 1]
    expected = masks_of(segmentation, a_volume_node)
    live = make_live(number)
    live.apply(0.05)
    expected[a_written_result.segment_ids[number]][:] = 1
    assert_same_masks(masks_of(segmentation, a_volume_node), expected)
    live.finish()
    assert_same_masks(masks_of(segmentation, a_volume_node), expected)


def test_nothing_changes_before_the_slider_moves(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any
) -> None:
    segmentation = a_written_result.segmentation.GetSegmentation()
    records = [segment_record(segmentation.GetNthSegment(index)) for index in range(3)]
    before, layers = masks_of(a_written_result.segmentation, a_volume_node), segmentation.GetNumberOfLayers()
    for number in range(3):
        make_live(number).finish()
    assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), before)
    assert segmentation.GetNumberOfLayers() == layers
    assert [segment_record(segmentation.GetNthSegment(index)) for index in range(3)] == records


def test_finish_records_what_was_done(make_live: Any, a_written_result: SceneResult, a_volume_node: Any) -> None:
    segment_id = a_written_result.segment_ids[2]
    segment = a_written_result.segmentation.GetSegmentation().GetSegment(segment_id)
    run_record = segment_record(segment)
    live = make_live()
    live.apply(0.2)
    live.apply(0.8)
    live.finish()
    record = segment_record(segment)
    uncertainty = prompt_result("ramp", ramp()).uncertainty[ramp() > 0.8]
    assert record.pop("Threshold") == "0.8"
    assert float(record.pop("MeanUncertainty")) == pytest.approx(uncertainty.mean(), rel=1e-5)
    assert record.pop("MaskHash") != run_record["MaskHash"]
    for name in ("Threshold", "MeanUncertainty", "MaskHash"):
        run_record.pop(name)
    assert record == run_record
    assert not was_edited(a_written_result.segmentation, segment_id, a_volume_node)
    np.testing.assert_array_equal(segment_mask(a_written_result.segmentation, segment_id, a_volume_node), ramp() > 0.8)


def test_back_at_the_run_s_threshold_the_record_is_the_run_s(make_live: Any, a_written_result: SceneResult) -> None:
    segment = a_written_result.segmentation.GetSegmentation().GetSegment(a_written_result.segment_ids[2])
    mask_hash = segment_record(segment)["MaskHash"]
    live = make_live()
    for threshold in (0.2, 0.5):
        live.apply(threshold)
        live.finish()
    assert segment_record(segment)["MaskHash"] == mask_hash


def test_a_mask_that_became_empty_can_grow_again(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any
) -> None:
    segment_id, node = a_written_result.segment_ids[2], a_written_result.segmentation
    live = make_live()
    live.apply(0.995)
    live.finish()
    assert segment_mask(node, segment_id, a_volume_node).sum() == 0
    record = segment_record(node.GetSegmentation().GetSegment(segment_id))
    whole = prompt_result("ramp", ramp()).uncertainty.mean()
    assert float(record["MeanUncertainty"]) == pytest.approx(whole, rel=1e-5)
    again = make_live()
    again.apply(0.4)
    again.finish()
    np.testing.assert_array_equal(segment_mask(node, segment_id, a_volume_node), ramp() > 0.4)


def test_a_rerun_replaces_the_moved_segment(
    a_scene: Any,
    make_live: Any,
    a_written_result: SceneResult,
    a_volume_node: Any,
    make_result: MakeResult,
) -> None:
    live = make_live()
    live.apply(0.3)
    live.finish()
    segment_ids = a_written_result.segmentation.GetSegmentation().GetSegmentIDs()
    again = write_result(a_scene, a_volume_node, make_result({"ramp": ramp()[::-1]}), a_written_result.segmentation)
    assert again.segment_ids == (a_written_result.segment_ids[2],)
    assert a_written_result.segmentation.GetSegmentation().GetSegmentIDs() == segment_ids
    mask = segment_mask(a_written_result.segmentation, again.segment_ids[0], a_volume_node)
    np.testing.assert_array_equal(mask, ramp()[::-1] > 0.5)


def test_undo_brings_back_what_was_there_before_the_slider_moved(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any, an_editor: Any
) -> None:
    segmentation = a_written_result.segmentation
    before = masks_of(segmentation, a_volume_node)
    for number in range(3):
        an_editor.SaveStateForUndo()
        live = make_live(number)
        for threshold in (0.2, 0.7, 0.05):
            live.apply(threshold)
        live.finish()
        after = masks_of(segmentation, a_volume_node)
        an_editor.Undo()
        assert_same_masks(masks_of(segmentation, a_volume_node), before)
        assert not was_edited(segmentation, a_written_result.segment_ids[number], a_volume_node)
        an_editor.Redo()
        assert_same_masks(masks_of(segmentation, a_volume_node), after)
        assert not was_edited(segmentation, a_written_result.segment_ids[number], a_volume_node)
        an_editor.Undo()


def test_every_stop_of_the_slider_is_a_step_of_undo(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any, an_editor: Any
) -> None:
    states = [masks_of(a_written_result.segmentation, a_volume_node)]
    for threshold in (0.3, 0.6, 0.1):
        an_editor.SaveStateForUndo()
        live = make_live()
        live.apply((threshold + 0.99) / 2)
        live.apply(threshold)
        live.finish()
        states.append(masks_of(a_written_result.segmentation, a_volume_node))
    for state in states[-2::-1]:
        an_editor.Undo()
        assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), state)
    for state in states[1:]:
        an_editor.Redo()
        assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), state)


def test_undo_in_the_middle_of_a_drag(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any, an_editor: Any
) -> None:
    segmentation, segment_id = a_written_result.segmentation, a_written_result.segment_ids[2]
    before = masks_of(segmentation, a_volume_node)
    record = segment_record(segmentation.GetSegmentation().GetSegment(segment_id))
    an_editor.SaveStateForUndo()
    live = make_live()
    live.apply(0.2)
    an_editor.Undo()
    live.finish()
    assert_same_masks(masks_of(segmentation, a_volume_node), before)
    assert segment_record(segmentation.GetSegmentation().GetSegment(segment_id)) == record
    live.apply(0.7)
    np.testing.assert_array_equal(segment_mask(segmentation, segment_id, a_volume_node), ramp() > 0.7)
    an_editor.Undo()
    assert_same_masks(masks_of(segmentation, a_volume_node), before)


def test_edited_segments_are_refused(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any, an_editor: Any
) -> None:
    mark_edited(a_written_result.segmentation.GetSegmentation().GetSegment(a_written_result.segment_ids[0]))
    corner = np.zeros(SHAPE, np.uint8)
    corner[0, 9, 11] = 1
    paint(an_editor, a_written_result.segment_ids[1], corner)
    for number, name in enumerate(("left", "right")):
        with pytest.raises(MedCLIPSegError, match=f"“{name}” was edited"):
            make_live(number)


def test_painting_in_the_middle_of_a_drag_is_kept(
    make_live: Any, a_written_result: SceneResult, a_volume_node: Any, an_editor: Any
) -> None:
    segmentation, segment_id = a_written_result.segmentation, a_written_result.segment_ids[2]
    live = make_live()
    live.apply(0.7)
    outside = (ramp() < 0.1).astype(np.uint8)
    paint(an_editor, segment_id, outside)
    live.finish()
    with pytest.raises(MedCLIPSegError, match="was edited"):
        live.apply(0.3)
    expected = (ramp() > 0.7) | (outside > 0)
    np.testing.assert_array_equal(segment_mask(segmentation, segment_id, a_volume_node), expected)
    assert was_edited(segmentation, segment_id, a_volume_node)


def test_segment_removed_in_the_middle_of_a_drag(make_live: Any, a_written_result: SceneResult) -> None:
    live = make_live()
    live.apply(0.3)
    a_written_result.segmentation.GetSegmentation().RemoveSegment(a_written_result.segment_ids[2])
    live.finish()
    with pytest.raises(MedCLIPSegError):
        live.apply(0.4)
    assert a_written_result.segmentation.GetSegmentation().GetNumberOfSegments() == 2


def test_a_map_updated_meanwhile_counts(make_live: Any, a_written_result: SceneResult, a_volume_node: Any) -> None:
    live = make_live()
    live.apply(0.3)
    voxel_view(a_written_result.probability_maps[2].GetImageData())[...] = ramp()[::-1]
    live.apply(0.6)
    mask = segment_mask(a_written_result.segmentation, a_written_result.segment_ids[2], a_volume_node)
    np.testing.assert_array_equal(mask, ramp()[::-1] > 0.6)


def test_maps_that_do_not_belong_are_refused(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, a_written_result: SceneResult, make_result: MakeResult
) -> None:
    segmentation, segment_id = a_written_result.segmentation, a_written_result.segment_ids[2]
    with pytest.raises(MedCLIPSegError, match="not a probability map"):
        LiveThreshold(segmentation, segment_id, a_written_result.uncertainty_maps[2], a_volume_node)
    moved = oblique_matrix()
    moved[0, 3] += 0.3
    other = Volume(a_volume.voxels, moved, "moved")
    other_node = add_volume_node(a_scene, other)
    elsewhere = write_result(a_scene, other_node, make_result({"ramp": ramp()}, volume=other))
    with pytest.raises(MedCLIPSegError, match="another voxel grid"):
        LiveThreshold(segmentation, segment_id, elsewhere.probability_maps[0], a_volume_node)
    with pytest.raises(MedCLIPSegError, match="another voxel grid"):
        LiveThreshold(segmentation, segment_id, elsewhere.probability_maps[0], other_node)
    smaller = Volume(a_volume.voxels[:2], a_volume.ijk_to_ras, "smaller")
    smaller_node = add_volume_node(a_scene, smaller)
    half = write_result(a_scene, smaller_node, make_result({"ramp": ramp()[:2]}, volume=smaller))
    with pytest.raises(MedCLIPSegError, match="voxels"):
        LiveThreshold(segmentation, segment_id, half.probability_maps[0], a_volume_node)


def test_unknown_segment_is_refused(a_written_result: SceneResult, a_volume_node: Any) -> None:
    with pytest.raises(MedCLIPSegError, match="nowhere"):
        LiveThreshold(a_written_result.segmentation, "nowhere", a_written_result.probability_maps[0], a_volume_node)


def test_threshold_out_of_range_is_refused(make_live: Any, a_written_result: SceneResult, a_volume_node: Any) -> None:
    for threshold in [0, 1, -0.5, 1.5, float("nan")]:
        before = masks_of(a_written_result.segmentation, a_volume_node)
        with pytest.raises(MedCLIPSegError, match="between 0 and 1"):
            make_live().apply(threshold)
        assert_same_masks(masks_of(a_written_result.segmentation, a_volume_node), before)


def test_surfaces_of_the_old_mask_are_dropped(make_live: Any, a_written_result: SceneResult) -> None:
    segmentation = a_written_result.segmentation.GetSegmentation()
    surface = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    segmentation.CreateRepresentation(surface)
    assert segmentation.ContainsRepresentation(surface)
    live = make_live()
    live.apply(0.3)
    live.finish()
    assert not segmentation.ContainsRepresentation(surface)


def test_volume_under_a_transform(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    cosine, sine = np.cos(0.3), np.sin(0.3)
    transform.SetMatrixTransformToParent(
        vtk_matrix(np.array([[cosine, -sine, 0, 5], [sine, cosine, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]]))
    )
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    written = write_result(a_scene, a_volume_node, make_result({"ramp": ramp()}))
    live = LiveThreshold(written.segmentation, written.segment_ids[0], written.probability_maps[0], a_volume_node)
    live.apply(0.8)
    live.finish()
    mask = segment_mask(written.segmentation, written.segment_ids[0], a_volume_node)
    np.testing.assert_array_equal(mask, ramp() > 0.8)
