from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from geometries import Orientation, orientations, phantom, turns
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SHEAR = np.array([[1, 0, 0.3], [0, 1, -0.2], [0, 0, 1]])


def write_nifti(volume: Volume, path: Path) -> Path:
    image = nib.Nifti1Image(volume.voxels.transpose(2, 1, 0), None)
    image.header.set_sform(volume.ijk_to_ras, code=1)
    image.header.set_zooms(volume.spacing)
    image.to_filename(path)
    return path


def write_itk(volume: Volume, path: Path) -> Path:
    lps = LPS @ volume.ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(volume.voxels)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))
    return path


@given(orientations, turns() | st.just(SHEAR), st.sampled_from(["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd"]))
def test_all_formats_give_the_same_matrix_and_voxels(
    tmp_path_factory: pytest.TempPathFactory, orientation: Orientation, turn: NDArray[np.float64], ending: str
) -> None:
    volume = phantom(*orientation, turn)
    write = write_nifti if ending.startswith("nii") else write_itk
    read = read_volume(write(volume, tmp_path_factory.getbasetemp() / f"case 7.{ending}"))
    np.testing.assert_allclose(read.ijk_to_ras, volume.ijk_to_ras, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(read.voxels, volume.voxels)
    assert read.voxels.dtype == np.int16
    assert read.voxels.flags.c_contiguous
    assert read.name == "case 7"
    assert read.spacing_known
    assert not read.is_color


def visible(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Red, green and blue; black where there is an alpha of 0."""
    return colors[..., :3] if colors.shape[-1] == 3 else colors[..., :3] * (colors[..., 3:] > 0)


def test_nifti_slope_is_applied(tmp_path: Path) -> None:
    stored = np.array([[[0, 1], [2, 3]]], dtype=np.int16)
    image = nib.Nifti1Image(stored.transpose(2, 1, 0), np.eye(4))
    image.header.set_slope_inter(0.5, -10)
    image.to_filename(tmp_path / "a.nii")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii").voxels, stored * 0.5 - 10)


def test_nifti_of_foreign_byte_order_is_native(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.dtype(">i2"))
    nib.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4), header).to_filename(tmp_path / "a.nii")
    read = read_volume(tmp_path / "a.nii")
    assert read.voxels.dtype.isnative
    np.testing.assert_array_equal(read.voxels.transpose(2, 1, 0), np.arange(8).reshape(2, 2, 2))


def test_nifti_color(tmp_path: Path) -> None:
    for channels in ("RGB", "RGBA"):
        colors = np.random.default_rng(0).integers(0, 256, (4, 3, 2, len(channels)), dtype=np.uint8)
        records = colors.view(np.dtype([(channel, "u1") for channel in channels]))[..., 0]
        nib.Nifti1Image(records, np.eye(4)).to_filename(tmp_path / "a.nii.gz")
        read = read_volume(tmp_path / "a.nii.gz")
        np.testing.assert_array_equal(read.voxels, visible(colors).transpose(2, 1, 0, 3))
        assert read.voxels.dtype == np.uint8


def test_two_dimensional_files_become_one_slice(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing((0.5, 2.0))
    image.SetOrigin((3.0, 4.0))
    expected = np.array([[-0.5, 0, 0, -3], [0, -2, 0, -4], [0, 0, 1, 0], [0, 0, 0, 1]])
    for name in ("a.nrrd", "a.mha", "a.nii.gz"):
        sitk.WriteImage(image, str(tmp_path / name))
        read = read_volume(tmp_path / name)
        np.testing.assert_array_equal(read.voxels, pixels[None])
        np.testing.assert_allclose(read.ijk_to_ras, expected, rtol=0, atol=1e-6)


def test_vector_files_of_bytes_are_color(tmp_path: Path) -> None:
    for name, channels in product(("a.nrrd", "a.mha"), (3, 4)):
        colors = np.random.default_rng(0).integers(0, 256, (2, 3, 4, channels), dtype=np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(colors, isVector=True), str(tmp_path / name))
        np.testing.assert_array_equal(read_volume(tmp_path / name).voxels, visible(colors))


def test_colors_of_16_bits_are_scaled(tmp_path: Path) -> None:
    colors = np.array([0, 128, 129, 65535, 257 * 9, 257 * 9 + 128], dtype=np.uint16).reshape(1, 1, 2, 3)
    sitk.WriteImage(sitk.GetImageFromArray(colors, isVector=True), str(tmp_path / "a.nrrd"))
    assert read_volume(tmp_path / "a.nrrd").voxels.ravel().tolist() == [0, 0, 1, 255, 9, 9]


def test_vectors_which_are_no_colors_are_refused(tmp_path: Path) -> None:
    field = sitk.GetImageFromArray(np.zeros((2, 3, 4, 3), dtype=np.float32), isVector=True)
    sitk.WriteImage(field, str(tmp_path / "field.nrrd"))
    with pytest.raises(MedCLIPSegError, match=r"field\.nrrd holds 3 numbers of type float32 for each voxel"):
        read_volume(tmp_path / "field.nrrd")


def test_single_time_point_is_squeezed(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4, 1)
    nib.Nifti1Image(values, np.eye(4)).to_filename(tmp_path / "a.nii")
    sitk.WriteImage(sitk.GetImageFromArray(values.transpose(), isVector=False), str(tmp_path / "a.nrrd"))
    for name in ("a.nii", "a.nrrd"):
        np.testing.assert_array_equal(read_volume(tmp_path / name).voxels, values[..., 0].transpose())


def test_several_time_points_are_refused(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4, 5), dtype=np.int16)
    nib.Nifti1Image(values, np.eye(4)).to_filename(tmp_path / "a.nii")
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=False), str(tmp_path / "a.nrrd"))
    for name in ("a.nii", "a.nrrd"):
        with pytest.raises(MedCLIPSegError, match=rf"{name} holds several volumes"):
            read_volume(tmp_path / name)


def test_values_that_are_no_grey_or_absent_are_refused(tmp_path: Path) -> None:
    for values, reason in (
        (np.ones((2, 3, 4), dtype=np.complex64), "complex"),
        (np.ones((2, 0, 4), dtype=np.int16), "no voxels"),
    ):
        nib.Nifti1Image(values, np.eye(4)).to_filename(tmp_path / "a.nii")
        with pytest.raises(MedCLIPSegError, match=rf"a\.nii holds {reason}"):
            read_volume(tmp_path / "a.nii")


def test_singular_matrix_is_refused(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.ones((2, 3, 4), dtype=np.int16), np.eye(4))
    for third in ((0, 0, 0), (1, 1, 0), (float("nan"), 0, 1)):
        for row, value in zip(("srow_x", "srow_y", "srow_z"), third, strict=True):
            image.header[row][2] = value
        # The header is written as it is; the image would derive it anew from its affine.
        with (tmp_path / "flat.nii").open("wb") as file:
            image.header["sform_code"] = 1
            image.header["magic"] = b"n+1"
            image.header["vox_offset"] = 352
            image.header.write_to(file)
            file.write(bytes(352 - file.tell()) + image.get_fdata().astype(np.int16).tobytes())
        with pytest.raises(MedCLIPSegError, match=r"flat\.nii has no usable geometry"):
            read_volume(tmp_path / "flat.nii")
