from __future__ import annotations

import re

import numpy as np
import pytest
from geometries import SIZE_RAS, SPACING_RAS, Orientation, orientations, phantom, phantom_ras, turns
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.planes import Plane, SliceAxis, choose_axis, parse_slice_range
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

RAS_ACROSS = {"sagittal": 0, "coronal": 1, "axial": 2}
STATED = tuple(RAS_ACROSS)
planes = st.sampled_from(STATED)


def displayed(plane: str, index: int) -> NDArray[np.int16]:
    """What a radiologist expects to see at a position counted from the right, the back or the bottom."""
    ras = phantom_ras()
    if plane == "axial":
        return ras[::-1, ::-1, index].T
    if plane == "coronal":
        return ras[::-1, index, ::-1].T
    return ras[index, ::-1, ::-1].T


def voxel_index(volume: Volume, axis: SliceAxis, plane: str, position: int, turn: NDArray[np.float64]) -> int:
    """Index along the slice axis of a position counted along R, A or S."""
    column = (turn.T @ volume.ijk_to_ras[:3, 2 - axis.axis])[RAS_ACROSS[plane]]
    return position if column > 0 else axis.count - 1 - position


@given(orientations, planes, turns(25))
@settings(max_examples=400)
def test_picture_is_the_same_in_every_orientation(
    orientation: Orientation, plane: Plane, turn: NDArray[np.float64]
) -> None:
    volume = phantom(*orientation, turn)
    axis = choose_axis(volume, plane)
    target = np.zeros_like(volume.voxels)
    across = RAS_ACROSS[plane]
    rows, columns = [ras for ras in (2, 1, 0) if ras != across]
    assert axis.name == plane
    assert axis.count == SIZE_RAS[across]
    assert axis.pixel_spacing == pytest.approx((SPACING_RAS[rows], SPACING_RAS[columns]))
    for position in range(axis.count):
        index = voxel_index(volume, axis, plane, position, turn)
        picture = axis.extract(volume.voxels, index)
        np.testing.assert_array_equal(picture, displayed(plane, position))
        assert picture.flags.c_contiguous
        axis.insert(target, index, picture)
    np.testing.assert_array_equal(target, volume.voxels)


@given(orientations, planes, turns())
def test_any_rotation_shows_the_nearest_directions(
    orientation: Orientation, plane: Plane, turn: NDArray[np.float64]
) -> None:
    volume = phantom(*orientation, turn)
    axis = choose_axis(volume, plane)
    across = RAS_ACROSS[plane]
    rows, columns = [ras for ras in (2, 1, 0) if ras != across]
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in volume.shape), indexing="ij"), axis=-1)
    positions = grid[..., ::-1] @ volume.ijk_to_ras[:3, :3].T + volume.ijk_to_ras[:3, 3]
    shown = np.stack([axis.extract(positions[..., ras], 0) for ras in range(3)], axis=-1)
    down, right = shown[-1, 0] - shown[0, 0], shown[0, -1] - shown[0, 0]
    assert down[rows] < 0
    assert right[columns] < 0
    height, width = shown.shape[:2]
    assert np.linalg.norm(down) / (height - 1) == pytest.approx(axis.pixel_spacing[0])
    assert np.linalg.norm(right) / (width - 1) == pytest.approx(axis.pixel_spacing[1])


def test_inserted_slice_touches_no_other(volume: Volume) -> None:
    axis = choose_axis(volume, "coronal")
    target = np.zeros(volume.shape, dtype=np.uint8)
    axis.insert(target, 2, np.ones_like(axis.extract(target, 2)))
    sums = [int(axis.extract(target, index).sum()) for index in range(axis.count)]
    assert sums == [0, 0, SIZE_RAS[0] * SIZE_RAS[2], 0]


@pytest.fixture
def volume() -> Volume:
    return phantom((2, 0, 1), (-1, 1, -1))


def test_extract_copies(volume: Volume) -> None:
    before = volume.voxels.copy()
    for plane in STATED:
        choose_axis(volume, plane).extract(volume.voxels, 0)[...] = 99
    np.testing.assert_array_equal(volume.voxels, before)


def test_color_slices(volume: Volume) -> None:
    scalar = (volume.voxels + 20).astype(np.uint8)
    colors = np.stack([scalar, scalar + 1, scalar + 2], axis=-1)
    axis = choose_axis(Volume(colors, volume.ijk_to_ras, "color"), "sagittal")
    shown = axis.extract(colors, 1)
    np.testing.assert_array_equal(shown[..., 2], axis.extract(scalar, 1) + 2)
    target = colors.copy()
    target[:] = 0
    for index in range(axis.count):
        axis.insert(target, index, axis.extract(colors, index))
    np.testing.assert_array_equal(target, colors)


def test_index_out_of_range(volume: Volume) -> None:
    axis = choose_axis(volume, "coronal")
    for index in (-1, 4):
        with pytest.raises(IndexError, match=f"slice {index} of 4"):
            axis.extract(volume.voxels, index)
        with pytest.raises(IndexError, match=f"slice {index} of 4"):
            axis.insert(volume.voxels, index, axis.extract(volume.voxels, 0))


def test_slice_of_other_shape_is_not_spread_out(volume: Volume) -> None:
    with pytest.raises(ValueError, match="slice of shape"):
        choose_axis(volume, "coronal").insert(volume.voxels, 0, np.zeros((1, SIZE_RAS[0]), dtype=np.int16))


def test_picture_is_shown_as_it_is() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    picture = Volume(pixels, PICTURE_IJK_TO_RAS, "lesion", spacing_known=False)
    axis = choose_axis(picture, "auto")
    assert axis == choose_axis(picture, "axial")
    assert axis == SliceAxis(0, "acquisition", False, False, False, 1, (1.0, 1.0))
    np.testing.assert_array_equal(axis.extract(pixels, 0), pixels[0])


@given(orientations)
def test_single_slice_has_only_its_own_plane(orientation: Orientation) -> None:
    stack = phantom(*orientation)
    single = Volume(stack.voxels[:1], stack.ijk_to_ras, "scout")
    own = STATED[orientation[0][2]]
    automatic = choose_axis(single, "auto")
    assert automatic == choose_axis(single, own)
    assert (automatic.axis, automatic.name, automatic.count) == (0, own, 1)
    for plane in set(STATED) - {own}:
        with pytest.raises(MedCLIPSegError, match=f"scout is a single slice and cannot be cut in the {plane} plane"):
            choose_axis(single, plane)


def test_single_slice_may_lie_across_any_voxel_axis() -> None:
    stack = phantom((0, 1, 2), (1, 1, 1))
    axis = choose_axis(Volume(stack.voxels[:, :, :1], stack.ijk_to_ras, "scout"), "auto")
    assert (axis.axis, axis.name, axis.count) == (2, "sagittal", 1)


@given(orientations, turns(25))
def test_auto_takes_the_clearly_coarser_axis(orientation: Orientation, turn: NDArray[np.float64]) -> None:
    volume = phantom(*orientation, turn)
    assert choose_axis(volume, "auto") == choose_axis(volume, "axial")
    assert choose_axis(volume, "auto").axis == 2 - orientation[0].index(2)


def test_auto_takes_k_unless_another_axis_is_clearly_coarser() -> None:
    axes = {(1, 1, 1): 0, (1.2, 1, 1): 0, (1.21, 1, 1): 2, (1, 1.21, 1): 1, (3, 3, 1): 0, (1, 1, 0.5): 0}
    voxels = np.zeros((2, 3, 4), dtype=np.uint8)
    volumes = {spacing: Volume(voxels, np.diag([*spacing, 1.0]), "a") for spacing in axes}
    assert {spacing: choose_axis(volume, "auto").axis for spacing, volume in volumes.items()} == axes


@given(st.integers(1, 300).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count - 1))), st.data())
def test_slice_range_is_read(count_and_first: tuple[int, int], data: st.DataObject) -> None:
    count, first = count_and_first
    end = data.draw(st.integers(first + 1, count))
    assert parse_slice_range(f" {first} : {end} ", count) == (first, end)
    assert parse_slice_range(f"{first}:", count) == (first, count)
    assert parse_slice_range(f":{end}", count) == (0, end)
    assert parse_slice_range(":", count) == (0, count)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["", "5", "1:2:3", "a:b", "-3:5", "1.5:3", "²:3"], "not of the form"),
        (["0:11", "10:", "12:14"], "beyond the 10 slices"),
        (["5:5", "5:2", ":0"], "holds no slice"),
    ],
)
def test_wrong_slice_ranges_are_refused(texts: list[str], reason: str) -> None:
    for text in texts:
        with pytest.raises(MedCLIPSegError, match=f'"{re.escape(text)}".*{reason}'):
            parse_slice_range(text, 10)


def test_endless_slice_range_is_refused_in_short() -> None:
    with pytest.raises(MedCLIPSegError, match="not of the form") as caught:
        parse_slice_range(f"0:{'9' * 5000}", 10)
    assert len(str(caught.value)) < 250
