"""Images in memory lie where SimpleITK, nibabel and the files they come from put them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from geometries import Orientation, orientations, phantom, turns
from hypothesis import given
from nifti_headers import qform, sform, write_header
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume


def voxel_centers_by_itk(image: sitk.Image) -> NDArray[np.float64]:
    """RAS positions of some voxels, by SimpleITK's own conversion."""
    indices = [(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 1), (2, 1, 1)]
    return np.array([image.TransformIndexToPhysicalPoint(index) for index in indices]) * (-1, -1, 1)


def voxel_centers(volume: Volume) -> NDArray[np.float64]:
    indices = np.array([(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 1), (2, 1, 1)])
    return np.asarray((volume.ijk_to_ras @ np.c_[indices, np.ones(len(indices))].T).T[:, :3])


def itk_image(volume: Volume) -> sitk.Image:
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.ijk_to_ras
    image = sitk.GetImageFromArray(volume.voxels)
    image.SetSpacing(volume.spacing)
    image.SetDirection((lps[:3, :3] / volume.spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


@given(orientations, turns())
def test_images_of_every_orientation_lie_where_their_library_says(
    orientation: Orientation, turn: NDArray[np.float64]
) -> None:
    volume = phantom(*orientation, turn)
    by_itk = itk_image(volume)
    taken = read_volume(by_itk)
    np.testing.assert_allclose(voxel_centers(taken), voxel_centers_by_itk(by_itk), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(taken.voxels, volume.voxels)
    for kind in (nib.Nifti1Image, nib.Nifti2Image, nib.MGHImage):
        values = volume.voxels.transpose(2, 1, 0)
        by_nibabel = kind(values, volume.ijk_to_ras)
        taken = read_volume(by_nibabel)
        expected = nib.affines.apply_affine(by_nibabel.affine, [(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 1), (2, 1, 1)])
        np.testing.assert_allclose(voxel_centers(taken), expected, rtol=0, atol=1e-5)
        assert [taken.voxels[2, 1, 0], taken.voxels[0, 1, 2]] == [values[0, 1, 2], values[2, 1, 0]]
    assert taken.spacing_known


def test_arrays_lie_as_simpleitk_takes_them() -> None:
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    by_itk = sitk.GetImageFromArray(voxels)
    by_itk.SetSpacing((0.5, 0.75, 3.0))
    taken = read_volume(voxels, spacing=(3.0, 0.75, 0.5))
    np.testing.assert_allclose(voxel_centers(taken), voxel_centers_by_itk(by_itk))
    np.testing.assert_array_equal(taken.voxels, voxels)
    assert taken.voxel_volume == pytest.approx(3 * 0.75 * 0.5)
    picture = read_volume(voxels[0], spacing=np.array([0.2, 0.4]))
    assert (picture.shape, picture.spacing, picture.spacing_known) == ((1, 5, 6), (0.4, 0.2, 1.0), True)
    assert picture.pixel_area == pytest.approx(0.08)
    colors = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    for array in (colors, np.dstack([colors, np.full((5, 6), 255, np.uint8)]), colors.astype(np.uint16) * 257):
        np.testing.assert_array_equal(read_volume(array).voxels, colors[None])
    assert not read_volume(colors).spacing_known
    assert read_volume(colors[None], spacing=(1, 2, 3)).spacing == (3, 2, 1)
    for odd in (voxels[:, ::-1], voxels.transpose(2, 0, 1), voxels.astype(">i2"), voxels > 3, voxels / 7):
        taken = read_volume(odd)
        np.testing.assert_array_equal(taken.voxels, odd)
        assert taken.voxels.dtype.isnative
        assert taken.voxels.flags.c_contiguous


def test_what_is_done_to_an_array_later_does_not_matter() -> None:
    voxels = np.zeros((3, 4, 5), np.float32)
    images = (voxels, nib.Nifti1Image(voxels.T, np.eye(4)), nib.MGHImage(voxels.T, np.eye(4)))
    volumes = [read_volume(image) for image in images]
    voxels += 1
    assert not any(volume.voxels.any() for volume in volumes)


@pytest.mark.parametrize(
    "fields",
    [
        {**qform("lps"), "xyzt_units": 1},
        {**qform("lps"), **sform(np.diag([2.0, 3.0, 4.0, 1.0])), "scl_slope": 0.5, "scl_inter": -3},
        {},
        {"shape": (4, 5, 2, 1, 3), "dtype": "|u1", "intent_code": 1007, **qform("lps")},
    ],
)
def test_a_nifti_image_is_the_volume_of_its_file(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = write_header(tmp_path / "a.b.nii", **fields)
    taken, read = read_volume(nib.load(path)), read_volume(path)
    np.testing.assert_array_equal(taken.voxels, read.voxels)
    np.testing.assert_allclose(taken.ijk_to_ras, read.ijk_to_ras, rtol=0, atol=1e-9)
    assert (taken.name, taken.notes, taken.content_hash) == (read.name, read.notes, read.content_hash)


def test_pictures_of_simpleitk_have_no_size_unless_they_state_one() -> None:
    grey, color = np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3), np.uint8)
    for pixels, spacing, known in ((grey, (1, 1), False), (grey, (0.5, 0.5), True), (color, (0.35, 0.35), False)):
        image = sitk.GetImageFromArray(pixels, isVector=pixels.ndim == 3)
        image.SetSpacing(spacing)
        assert read_volume(image).spacing_known is known
    assert read_volume(sitk.GetImageFromArray(np.zeros((3, 4, 5)))).spacing_known


@pytest.mark.parametrize(
    ("image", "spacing", "message"),
    [
        (np.zeros((2, 3, 4, 5)), None, "has 4 axes"),
        (np.zeros(5), None, "has 1 axes"),
        (np.zeros((4, 5, 3), np.float32), None, "3 numbers of type float32"),
        (np.zeros((0, 4, 5)), None, "holds no voxels"),
        (np.zeros((4, 5), complex), None, "complex"),
        (np.zeros((4, 5), object), None, "complex or other"),
        (np.zeros((4, 5)), (1, 2, 3), "must be 2 numbers above 0"),
        (np.zeros((4, 5)), (1, -2), "must be 2 numbers above 0"),
        (np.zeros((4, 5)), 1.0, "must be 2 numbers above 0"),
        (np.zeros((4, 5)), (1, float("nan")), "must be 2 numbers above 0"),
        (sitk.Image(4, 5, sitk.sitkUInt8), (1, 1), "The Image has a spacing of its own"),
        (sitk.Image([2, 2, 2, 2], sitk.sitkUInt8), None, "several volumes"),
        (sitk.Image(), None, "holds no voxels"),
        (nib.Nifti1Image(np.zeros((2, 2, 2, 2)), np.eye(4)), None, "several volumes"),
        (nib.MGHImage(np.zeros((2, 2, 2, 2), np.float32), np.eye(4)), None, "several volumes"),
        (5, None, "type int is no image"),
        ([[1, 2]], None, "type list is no image"),
        (None, None, "type NoneType is no image"),
    ],
)
def test_what_is_no_image_is_refused_in_one_sentence(image: Any, spacing: Any, message: str) -> None:
    with pytest.raises(MedCLIPSegError, match=message) as caught:
        read_volume(image, spacing)
    assert "\n" not in str(caught.value)


def test_a_lazy_nibabel_image_whose_file_is_cut_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.nii"
    nib.save(nib.Nifti1Image(np.ones((8, 8, 8)), np.eye(4)), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(MedCLIPSegError, match=r"cut\.nii cannot be read"):
        read_volume(nib.load(path))
