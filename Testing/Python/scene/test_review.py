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
from MedCLIPSegLogic.scene.review import SliceUncertainty, segment_statistics, slice_uncertainties
from MedCLIPSegLogic.scene.segmentation import set_segment_mask
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.volume import Volume

CROSS = ndimage.generate_binary_structure(2, 1)


def blobs(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float32]:
    """Return smooth probabilities whose masks are ragged, touch the edges and leave the last slice empty."""
    noise = np.random.default_rng(11).random(shape).astype(np.float32)
    smooth = ndimage.uniform_filter(noise, (1, 3, 3))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    smooth[-1] *= 0.4
    return smooth


def expected_band(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Reference: one step of dilation without one step of erosion, in the plane."""
    return ndimage.binary_dilation(mask, CROSS) & ~ndimage.binary_erosion(mask, CROSS, border_value=1)


def expected_slices(
    mask: NDArray[np.bool_], values: NDArray[np.float32], axis: int
) -> dict[int, tuple[float, float, int]]:
    found = {}
    for index in range(mask.shape[axis]):
        inside, here = mask.take(index, axis), values.take(index, axis)
        if inside.any():
            band = expected_band(inside)
            found[index] = (here[inside].mean(), here[band if band.any() else inside].mean(), int(inside.sum()))
    return found


@pytest.fixture
def a_written_result(a_scene: Any, a_volume_node: Any, make_result: MakeResult) -> SceneResult:
    return write_result(a_scene, a_volume_node, make_result({"blobs": blobs()}))


def review(written: SceneResult, volume_node: Any, axis: int = 0) -> list[SliceUncertainty]:
    return slice_uncertainties(
        written.segmentation, written.segment_ids[0], volume_node, written.uncertainty_maps[0], axis
    )


def test_slices_agree_with_a_slow_reference(a_written_result: SceneResult, a_volume_node: Any) -> None:
    for axis in [0, 1, 2]:
        uncertainty = voxel_view(a_written_result.uncertainty_maps[0].GetImageData())
        expected = expected_slices(blobs() > 0.5, uncertainty, axis)
        slices = review(a_written_result, a_volume_node, axis)
        assert len(slices) == len(expected) > 2
        for found in slices:
            mean, boundary, voxels = expected[found.index]
            assert (found.mean, found.boundary, found.voxels) == (pytest.approx(mean), pytest.approx(boundary), voxels)


def test_most_uncertain_boundary_comes_first(a_written_result: SceneResult, a_volume_node: Any) -> None:
    for axis in [0, 1, 2]:
        boundaries = [found.boundary for found in review(a_written_result, a_volume_node, axis)]
        assert boundaries == sorted(boundaries, reverse=True)
        assert boundaries[0] > boundaries[-1]


def test_slices_without_the_segment_are_left_out(a_written_result: SceneResult, a_volume_node: Any) -> None:
    assert sorted(found.index for found in review(a_written_result, a_volume_node)) == [0, 1, 2]


def test_band_is_one_pixel_to_each_side(a_scene: Any, a_volume_node: Any, a_written_result: SceneResult) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[1, 3:8, 3:8] = 1
    set_segment_mask(a_written_result.segmentation, a_written_result.segment_ids[0], mask, a_volume_node)
    values = voxel_view(a_written_result.uncertainty_maps[0].GetImageData())
    values[:] = 0
    # The innermost pixels, corners outside and the neighbouring slices do not count.
    values[1, 4:7, 4:7] = values[1, 2, 2] = values[0] = values[2] = 0.6
    [found] = review(a_written_result, a_volume_node)
    assert (found.index, found.boundary, found.voxels) == (1, 0, 25)
    values[1, 3, 3:8] = 0.36
    values[1, 2, 3:8] = 0.36
    [found] = review(a_written_result, a_volume_node)
    # 16 pixels inside, 20 outside.
    assert found.boundary == pytest.approx(0.36 * 10 / 36)


def test_empty_segment_is_reviewed_where_the_run_looked(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    probability = np.zeros(SHAPE, np.float32)
    probability[1], probability[3] = 0.2, 0.4
    result = make_result({"nothing": probability}, slice_indices=(1, 3))
    written = write_result(a_scene, a_volume_node, result)
    voxel_view(written.uncertainty_maps[0].GetImageData())[[0, 2]] = 0
    slices = review(written, a_volume_node)
    assert [(found.index, found.voxels) for found in slices] == [(3, 0), (1, 0)]
    entropy = result.prompts[0].uncertainty
    for found in slices:
        assert found.mean == found.boundary == pytest.approx(entropy[found.index].mean())
    statistics = segment_statistics(
        written.segmentation, written.segment_ids[0], a_volume_node, written.uncertainty_maps[0]
    )
    assert (statistics.voxels, statistics.volume_ml) == (0, 0)
    assert statistics.mean_uncertainty is statistics.boundary_uncertainty is None


def test_segment_that_fills_the_image_has_a_boundary_value(
    a_scene: Any, a_volume_node: Any, make_result: MakeResult
) -> None:
    written = write_result(a_scene, a_volume_node, make_result({"all": np.full(SHAPE, 0.8, np.float32)}))
    slices = review(written, a_volume_node)
    assert [found.index for found in slices] == [0, 1, 2, 3]
    assert all(found.boundary == found.mean > 0 for found in slices)


def test_statistics_of_a_volume(a_written_result: SceneResult, a_volume_node: Any) -> None:
    statistics = segment_statistics(
        a_written_result.segmentation,
        a_written_result.segment_ids[0],
        a_volume_node,
        a_written_result.uncertainty_maps[0],
    )
    mask = blobs() > 0.5
    uncertainty = voxel_view(a_written_result.uncertainty_maps[0].GetImageData())
    band = np.stack([expected_band(inside) for inside in mask])
    assert (statistics.name, statistics.voxels, statistics.area_mm2) == ("blobs", mask.sum(), None)
    assert statistics.volume_ml == pytest.approx(mask.sum() * 0.71 * 0.83 * 2.5 / 1000)
    assert statistics.mean_uncertainty == pytest.approx(uncertainty[mask].mean())
    assert statistics.boundary_uncertainty == pytest.approx(uncertainty[band].mean())


def test_statistics_follow_the_direction_of_the_slices(a_written_result: SceneResult, a_volume_node: Any) -> None:
    mask = blobs() > 0.5
    uncertainty = voxel_view(a_written_result.uncertainty_maps[0].GetImageData())
    band = np.stack([expected_band(mask[:, :, i]) for i in range(mask.shape[2])], axis=2)
    statistics = segment_statistics(
        a_written_result.segmentation,
        a_written_result.segment_ids[0],
        a_volume_node,
        a_written_result.uncertainty_maps[0],
        axis=2,
    )
    assert statistics.boundary_uncertainty == pytest.approx(uncertainty[band].mean())


def test_statistics_of_a_segment_without_a_map(a_written_result: SceneResult, a_volume_node: Any) -> None:
    statistics = segment_statistics(a_written_result.segmentation, a_written_result.segment_ids[0], a_volume_node, None)
    assert statistics.voxels == (blobs() > 0.5).sum()
    assert statistics.mean_uncertainty is statistics.boundary_uncertainty is None


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
            lambda map_node: slice_uncertainties(
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
