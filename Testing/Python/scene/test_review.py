"""Uncertainty by slice, and statistics of segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scene_samples import SHAPE, MakeResult, oblique_matrix
from scipy import ndimage

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.scene.arrays import voxel_view
from MedCLIPSegLogic.scene.result_writer import SceneResult, write_result
from MedCLIPSegLogic.scene.review import UNCERTAIN_NATS, Stop, segment_statistics, uncertain_stops
from MedCLIPSegLogic.scene.segmentation import set_segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume


def blobs(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float32]:
    """Return smooth probabilities whose masks are ragged, touch the edges and leave the last slice empty."""
    noise = np.random.default_rng(11).random(shape).astype(np.float32)
    smooth = ndimage.uniform_filter(noise, (1, 3, 3))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    smooth[-1] *= 0.4
    return smooth


@pytest.fixture
def a_written_result(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> SceneResult:
    return write_result(a_scene, a_volume_node, make_result({"blobs": blobs()}))


def review(written: SceneResult, volume_node: Any, axis: int = 0) -> list[Stop]:
    return uncertain_stops(written.segmentation, written.segment_ids[0], volume_node, written.uncertainty_maps[0], axis)


def entropies(written: SceneResult) -> NDArray[np.float32]:
    values: NDArray[np.float32] = voxel_view(written.uncertainty_maps[0].GetImageData())
    return values


def test_stops_agree_with_a_slow_reference(a_written_result: SceneResult, a_volume_node: Any) -> None:
    for axis in [0, 1, 2]:
        mask, values = np.moveaxis(blobs() > 0.5, axis, 0), np.moveaxis(entropies(a_written_result), axis, 0)
        counted = np.where(values > UNCERTAIN_NATS, values, 0) / np.log(2)
        stops = review(a_written_result, a_volume_node, axis)
        assert {stop.index for stop in stops} == set(np.flatnonzero(counted.any((1, 2)))) != set()
        for stop in stops:
            assert stop.inside == pytest.approx(counted[stop.index][mask[stop.index]].sum())
            assert stop.outside == pytest.approx(counted[stop.index][~mask[stop.index]].sum(), abs=1e-9)
        undecided = [stop.undecided for stop in stops]
        assert undecided == sorted(undecided, reverse=True)
        assert undecided[0] > undecided[-1]


def test_what_a_segment_misses_comes_first(a_volume_node: Any, a_written_result: SceneResult) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[1, 3:8, 3:8] = 1
    set_segment_mask(a_written_result.segmentation, a_written_result.segment_ids[0], mask, a_volume_node)
    values = entropies(a_written_result)
    values[:] = UNCERTAIN_NATS - 0.01  # faint doubt everywhere is no reason to look
    values[1, 3, 3:8] = 0.5
    values[3, 2:5, 9:12] = 0.6
    first, second = review(a_written_result, a_volume_node)
    assert (first.index, first.inside, first.place) == (3, 0, (3, 3, 10))
    assert first.outside == pytest.approx(9 * 0.6 / np.log(2))
    assert (second.index, second.outside, second.place) == (1, 0, (1, 3, 5))
    assert second.inside == pytest.approx(5 * 0.5 / np.log(2))


def test_place_is_in_the_heaviest_region(a_volume_node: Any, a_written_result: SceneResult) -> None:
    values = entropies(a_written_result)
    values[:] = 0
    values[2, 0, 0] = 0.69  # a speck
    values[2, 3:8, 4:9] = 0.5
    values[2, 4:7, 5:8] = 0  # a ring, whose middle is certain
    [stop] = review(a_written_result, a_volume_node)
    assert (values[2][round(stop.place[1]), round(stop.place[2])], stop.place[0]) == (0.5, 2)
    [stop] = review(a_written_result, a_volume_node, axis=1)[:1]
    assert stop.place[1] == stop.index == 3


def test_regions_of_a_single_slice_are_stops(a_scene: Any, make_result: MakeResult) -> None:
    volume = Volume(np.zeros((1, 10, 12), np.float32), oblique_matrix(), "slice")
    node = add_volume_node(a_scene, volume)
    probability = np.zeros((1, 10, 12), np.float32)
    probability[0, 1:4, 1:4] = 0.7
    probability[0, 6:9, 6:11] = 0.4
    probability[0, 0, 11] = 0.15  # less than a voxel
    written = write_result(a_scene, node, make_result({"p": probability}, volume=volume))
    missed, found = review(written, node)
    assert (missed.place, found.place) == (pytest.approx((0, 7, 8)), pytest.approx((0, 2, 2)))
    assert missed.inside == found.outside == 0
    assert missed.outside == pytest.approx(15 * (-0.4 * np.log2(0.4) - 0.6 * np.log2(0.6)), rel=1e-5)


def test_certain_segment_has_no_stops(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> None:
    written = write_result(a_scene, a_volume_node, make_result({"all": np.full(SHAPE, 0.99, np.float32)}))
    assert review(written, a_volume_node) == []


def test_empty_segment_is_reviewed_where_something_may_be(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    probability = np.zeros(SHAPE, np.float32)
    probability[1], probability[3] = 0.2, 0.4
    written = write_result(a_scene, a_volume_node, make_result({"nothing": probability}))
    assert [(stop.index, stop.inside) for stop in review(written, a_volume_node)] == [(3, 0), (1, 0)]
    statistics = segment_statistics(
        written.segmentation, written.segment_ids[0], a_volume_node, written.uncertainty_maps[0]
    )
    assert (statistics.voxels, statistics.volume_ml, statistics.mean_uncertainty) == (0, 0, None)


def test_statistics_of_a_volume(a_written_result: SceneResult, a_volume_node: Any) -> None:
    statistics = segment_statistics(
        a_written_result.segmentation,
        a_written_result.segment_ids[0],
        a_volume_node,
        a_written_result.uncertainty_maps[0],
    )
    mask = blobs() > 0.5
    uncertainty = voxel_view(a_written_result.uncertainty_maps[0].GetImageData())
    assert (statistics.name, statistics.voxels, statistics.area_mm2) == ("blobs", mask.sum(), None)
    assert statistics.volume_ml == pytest.approx(mask.sum() * 0.71 * 0.83 * 2.5 / 1000)
    assert statistics.mean_uncertainty == pytest.approx(uncertainty[mask].mean())


def test_statistics_of_a_segment_without_a_map(a_written_result: SceneResult, a_volume_node: Any) -> None:
    statistics = segment_statistics(a_written_result.segmentation, a_written_result.segment_ids[0], a_volume_node, None)
    assert statistics.voxels == (blobs() > 0.5).sum()
    assert statistics.mean_uncertainty is None


def test_single_slice_has_an_area(a_scene: Any, make_result: MakeResult) -> None:
    volume = Volume(np.zeros((1, 10, 12), np.float32), oblique_matrix(), "slice")
    node = add_volume_node(a_scene, volume)
    probability = np.zeros((1, 10, 12), np.float32)
    probability[0, 2:4, 3:8] = 0.9
    written = write_result(a_scene, node, make_result({"p": probability}, volume=volume))
    statistics = segment_statistics(written.segmentation, written.segment_ids[0], node, written.uncertainty_maps[0])
    assert statistics.area_mm2 == pytest.approx(10 * 0.71 * 0.83)
    assert statistics.volume_ml is None


def test_picture_has_neither_area_nor_volume(a_scene: Any, a_picture: Volume, make_result: MakeResult) -> None:
    node = add_volume_node(a_scene, a_picture)
    probability = np.zeros((1, 10, 12), np.float32)
    probability[0, 2:4, 3:8] = 0.9
    written = write_result(a_scene, node, make_result({"p": probability}, volume=a_picture))
    statistics = segment_statistics(written.segmentation, written.segment_ids[0], node, written.uncertainty_maps[0])
    assert (statistics.voxels, statistics.area_mm2, statistics.volume_ml) == (10, None, None)


def test_map_of_another_grid_is_refused(
    a_scene: Any, a_volume: Volume, a_volume_node: Any, a_written_result: SceneResult, make_result: MakeResult
) -> None:
    moved = oblique_matrix()
    moved[1, 3] += 1
    for volume in (Volume(a_volume.voxels[:3], a_volume.ijk_to_ras, "short"), Volume(a_volume.voxels, moved, "moved")):
        node = add_volume_node(a_scene, volume)
        other = write_result(a_scene, node, make_result({"p": blobs()[: volume.shape[0]]}, volume=volume))
        for measure in (
            lambda map_node: uncertain_stops(
                a_written_result.segmentation, a_written_result.segment_ids[0], a_volume_node, map_node, 0
            ),
            lambda map_node: segment_statistics(
                a_written_result.segmentation, a_written_result.segment_ids[0], a_volume_node, map_node
            ),
        ):
            with pytest.raises(MedCLIPSegError, match=volume.name):
                measure(other.uncertainty_maps[0])


def test_unknown_segment_is_an_error(a_written_result: SceneResult, a_volume_node: Any) -> None:
    for map_node in (a_written_result.uncertainty_maps[0], None):
        with pytest.raises(MedCLIPSegError, match="nowhere"):
            segment_statistics(a_written_result.segmentation, "nowhere", a_volume_node, map_node)
