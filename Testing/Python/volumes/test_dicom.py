from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import enhanced_tags, lps_tags, write_dicom, write_series
from geometries import phantom, rotation
from pydicom.uid import EnhancedMRImageStorage, SecondaryCaptureImageStorage

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

PIXELS = np.arange(12, dtype=np.int16).reshape(3, 4)


@pytest.fixture
def oblique() -> Volume:
    """Slices stacked towards their normal, as DICOM readers sort them."""
    return phantom((0, 1, 2), (-1, -1, 1), rotation(3))


def test_series_has_exact_geometry_and_hounsfield_units(tmp_path: Path, oblique: Volume) -> None:
    folder = tmp_path / "chest ct"
    folder.mkdir()
    write_series(folder, oblique.voxels, oblique.ijk_to_ras, RescaleSlope=2, RescaleIntercept=-1024)
    read = read_volume(folder)
    np.testing.assert_allclose(read.ijk_to_ras, oblique.ijk_to_ras, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(read.voxels, oblique.voxels * 2 - 1024)
    assert read.name == "chest ct"
    assert read.spacing_known


def test_tilted_gantry_keeps_its_shear(tmp_path: Path) -> None:
    matrix = np.diag([-0.7, -0.8, 2.5, 1.0])
    matrix[1, 2] = 0.9
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_series(tmp_path, voxels, matrix)
    np.testing.assert_allclose(read_volume(tmp_path).ijk_to_ras, matrix, rtol=0, atol=1e-9)


def test_slopes_that_change_between_slices(tmp_path: Path, oblique: Volume) -> None:
    for index, slope in enumerate((1, 0.5, 0.25)):
        write_dicom(
            tmp_path / f"{index}", PIXELS, RescaleSlope=slope, RescaleIntercept=0, **lps_tags(oblique.ijk_to_ras, index)
        )
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, [PIXELS, PIXELS * 0.5, PIXELS * 0.25])


def test_monochrome1_is_bright_where_bright(tmp_path: Path, oblique: Volume) -> None:
    stored = np.array([[0, 4095], [1, 1000]], dtype=np.uint16)
    write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.dcm").voxels[0], [[4095, 0], [4094, 3095]])


def test_single_slice_keeps_its_geometry(tmp_path: Path, oblique: Volume) -> None:
    write_dicom(tmp_path / "a.dcm", PIXELS, SliceThickness="2.9", **lps_tags(oblique.ijk_to_ras))
    read = read_volume(tmp_path / "a.dcm")
    np.testing.assert_allclose(read.ijk_to_ras, oblique.ijk_to_ras, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(read.voxels, PIXELS[None])
    assert read.name == "a"
    assert read.spacing_known


def test_folder_with_one_file(tmp_path: Path, oblique: Volume) -> None:
    write_dicom(tmp_path / "a.dcm", PIXELS, **lps_tags(oblique.ijk_to_ras))
    read = read_volume(tmp_path)
    np.testing.assert_array_equal(read.voxels, PIXELS[None])
    assert read.name == tmp_path.name


def test_file_without_extension(tmp_path: Path) -> None:
    for name in ("IM0001", "1.2.840.113619"):
        write_dicom(tmp_path / name, PIXELS)
        read = read_volume(tmp_path / name)
        np.testing.assert_array_equal(read.voxels, PIXELS[None])
        assert read.name == name


def test_color_picture_has_no_spacing(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    write_dicom(tmp_path / "a.dcm", colors, SecondaryCaptureImageStorage)
    read = read_volume(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read.voxels, colors[None])
    np.testing.assert_array_equal(read.ijk_to_ras, PICTURE_IJK_TO_RAS)
    assert not read.spacing_known


def test_frames_of_enhanced_file_are_sorted(tmp_path: Path, oblique: Volume) -> None:
    order = [3, 0, 4, 1, 2]
    write_dicom(
        tmp_path / "a.dcm", oblique.voxels[order], EnhancedMRImageStorage, **enhanced_tags(oblique.ijk_to_ras, order)
    )
    read = read_volume(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read.voxels, oblique.voxels)
    np.testing.assert_allclose(read.ijk_to_ras, oblique.ijk_to_ras, rtol=0, atol=1e-6)


def test_time_points_of_enhanced_file_are_refused(tmp_path: Path, oblique: Volume) -> None:
    order = [0, 1, 0, 1]
    write_dicom(
        tmp_path / "a.dcm", oblique.voxels[order], EnhancedMRImageStorage, **enhanced_tags(oblique.ijk_to_ras, order)
    )
    with pytest.raises(MedCLIPSegError, match=r"a\.dcm holds several images at the same position"):
        read_volume(tmp_path / "a.dcm")


def test_missing_slice_is_refused(tmp_path: Path, oblique: Volume) -> None:
    for missing in write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)[1:4]:
        kept = missing.rename(tmp_path.with_name("kept.dcm"))
        with pytest.raises(MedCLIPSegError, match="has missing or unevenly spaced slices"):
            read_volume(tmp_path)
        kept.rename(missing)


def test_time_points_are_refused(tmp_path: Path, oblique: Volume) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    write_dicom(tmp_path / "again.dcm", oblique.voxels[1], **lps_tags(oblique.ijk_to_ras, 1))
    with pytest.raises(MedCLIPSegError, match="several images at the same position"):
        read_volume(tmp_path)


def test_slices_of_different_size_are_refused(tmp_path: Path, oblique: Volume) -> None:
    write_dicom(tmp_path / "a.dcm", PIXELS, **lps_tags(oblique.ijk_to_ras, 0))
    write_dicom(tmp_path / "b.dcm", PIXELS[:2], **lps_tags(oblique.ijk_to_ras, 1))
    with pytest.raises(MedCLIPSegError, match="holds slices of different sizes"):
        read_volume(tmp_path)


def test_files_without_positions_are_refused(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        write_dicom(tmp_path / name, PIXELS)
    with pytest.raises(MedCLIPSegError, match="no slices with positions"):
        read_volume(tmp_path)


def test_several_series_are_named(tmp_path: Path, oblique: Volume) -> None:
    for number, description in enumerate(("T1 axial", "FLAIR"), 1):
        write_dicom(
            tmp_path / f"{number}.dcm", PIXELS, SeriesInstanceUID=f"1.2.{number}", SeriesDescription=description
        )
    write_dicom(tmp_path / "3.dcm", PIXELS, SeriesInstanceUID="1.2.3", SeriesNumber=12)
    with pytest.raises(MedCLIPSegError, match="holds 3 DICOM series") as caught:
        read_volume(tmp_path)
    for expected in ("T1 axial", "FLAIR", "series 12", str(tmp_path)):
        assert expected in str(caught.value)


def test_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="holds no DICOM images"):
        read_volume(tmp_path)
    (tmp_path / "readme.txt").write_text("no images here")
    with pytest.raises(MedCLIPSegError, match="holds no DICOM images"):
        read_volume(tmp_path)


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "cut.dcm", PIXELS)
    content = (tmp_path / "cut.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[:-9])
    with pytest.raises(MedCLIPSegError, match=r"cut\.dcm could not be read"):
        read_volume(tmp_path / "cut.dcm")


def test_damaged_position_is_refused(tmp_path: Path, oblique: Volume) -> None:
    tags = {**lps_tags(oblique.ijk_to_ras), "ImagePositionPatient": ["0", "0"]}
    write_dicom(tmp_path / "a.dcm", PIXELS, **tags)
    with pytest.raises(MedCLIPSegError, match=r"a\.dcm has a damaged DICOM header"):
        read_volume(tmp_path / "a.dcm")


def test_itk_stays_quiet(tmp_path: Path, oblique: Volume, capfd: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)[2].unlink()
    with pytest.raises(MedCLIPSegError):
        read_volume(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedCLIPSegError):
        read_volume(tmp_path / "empty")
    assert capfd.readouterr() == ("", "")
