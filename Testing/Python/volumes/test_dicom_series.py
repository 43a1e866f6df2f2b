from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from dicom_files import enhanced_tags, lps_tags, write_dicom, write_series
from geometries import phantom, rotation
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    EnhancedMRImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    RTStructureSetStorage,
    SegmentationStorage,
)

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume


@pytest.fixture
def oblique() -> Volume:
    """Five slices stacked towards their normal, as DICOM readers sort them."""
    return phantom((0, 1, 2), (-1, -1, 1), rotation(3))


@pytest.fixture
def across() -> Volume:
    """The same in another orientation."""
    return phantom((0, 1, 2), (-1, -1, 1), rotation(4))


def without_pixels(path: Path, sop_class: str) -> None:
    """Turn an image into an object of another class, as reports are."""
    dataset = dcmread(path)
    for keyword in ("PixelData", "Rows", "Columns"):
        del dataset[keyword]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.save_as(path)


def test_copies_are_read_once(tmp_path: Path, oblique: Volume) -> None:
    files = write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    plain = read_volume(tmp_path)
    for file in files[:3]:
        shutil.copy(file, file.with_stem(f"{file.stem} (1)"))
    read = read_volume(tmp_path)
    assert read.content_hash == plain.content_hash
    (note,) = read.notes
    for file in files[:3]:
        assert f"{file.stem} (1).dcm" in note
        assert file.name not in note


@pytest.mark.parametrize("keyword", ["StationName", "SeriesDescription"])
def test_copy_with_other_names_is_a_copy(tmp_path: Path, oblique: Volume, keyword: str) -> None:
    files = write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    again = dcmread(files[0])
    setattr(again, keyword, "archive")
    again.save_as(tmp_path / "from the archive.dcm")
    assert "from the archive.dcm" in read_volume(tmp_path).notes[0]


def test_different_images_of_one_uid_are_refused_by_name(tmp_path: Path, oblique: Volume) -> None:
    files = write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    other = dcmread(files[0])
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(tmp_path / "blackened.dcm")
    with pytest.raises(MedCLIPSegError, match=r"same image but differ") as caught:
        read_volume(tmp_path)
    assert files[0].name in str(caught.value)
    assert "blackened.dcm" in str(caught.value)


@pytest.mark.parametrize("image_type", [["ORIGINAL", "PRIMARY", "LOCALIZER"], ["ORIGINAL", "PRIMARY", "AXIAL"]])
def test_scouts_are_left_out_and_named(tmp_path: Path, oblique: Volume, across: Volume, image_type: list[str]) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    plain = read_volume(tmp_path)
    assert plain.notes == ()
    for number in (1, 2):
        tags = lps_tags(across.ijk_to_ras, number)
        write_dicom(tmp_path / f"A_scout{number}", oblique.voxels[0], ImageType=image_type, **tags)
    read = read_volume(tmp_path)
    assert read.content_hash == plain.content_hash
    (note,) = read.notes
    assert "A_scout1, A_scout2" in note


def test_screenshot_in_the_series_is_left_out(tmp_path: Path, oblique: Volume) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    write_dicom(tmp_path / "dose.dcm", np.zeros((9, 9), np.uint8))
    read = read_volume(tmp_path)
    assert read.shape == oblique.shape
    assert "dose.dcm" in read.notes[0]


@pytest.mark.parametrize("scout", [True, False])
def test_half_a_series_is_never_left_out(tmp_path: Path, oblique: Volume, across: Volume, scout: bool) -> None:
    image_type = ["ORIGINAL", "PRIMARY", "LOCALIZER" if scout else "AXIAL"]
    write_series(tmp_path, oblique.voxels[:2], oblique.ijk_to_ras)
    for number in range(2):
        tags = lps_tags(across.ijk_to_ras, number)
        write_dicom(tmp_path / f"z{number}.dcm", oblique.voxels[0], ImageType=image_type, **tags)
    with pytest.raises(MedCLIPSegError, match=r"mixes slices of different orientation, such as .*\.dcm") as caught:
        read_volume(tmp_path)
    assert "z0.dcm" in str(caught.value)


def test_three_slices_of_another_orientation_are_another_scan(tmp_path: Path, oblique: Volume, across: Volume) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    for number in range(3):
        write_dicom(tmp_path / f"z{number}.dcm", oblique.voxels[0], **lps_tags(across.ijk_to_ras, number))
    with pytest.raises(MedCLIPSegError, match="mixes slices of different orientation"):
        read_volume(tmp_path)


def test_different_pixel_sizes_are_refused(tmp_path: Path, oblique: Volume) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    tags = {**lps_tags(oblique.ijk_to_ras, 5), "PixelSpacing": ["3", "3"]}
    write_dicom(tmp_path / "z.dcm", oblique.voxels[0], **tags)
    with pytest.raises(MedCLIPSegError, match="mixes slices of different pixel size"):
        read_volume(tmp_path)


def test_what_is_no_image_does_not_count(tmp_path: Path, oblique: Volume) -> None:
    write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras)
    plain = read_volume(tmp_path)
    for number, sop_class in enumerate(
        (
            BasicTextSRStorage,
            GrayscaleSoftcopyPresentationStateStorage,
            KeyObjectSelectionDocumentStorage,
            RTStructureSetStorage,
        )
    ):
        write_dicom(tmp_path / f"r{number}.dcm", oblique.voxels[0], SeriesInstanceUID=f"1.2.{number}")
        without_pixels(tmp_path / f"r{number}.dcm", sop_class)
    mask = np.ones((4, 4), np.uint8)
    write_dicom(tmp_path / "mask.dcm", mask, SegmentationStorage, SeriesInstanceUID="1.2.9", Modality="SEG")
    write_dicom(tmp_path / "DICOMDIR", oblique.voxels[0], DirectoryRecordSequence=[Dataset()])
    without_pixels(tmp_path / "DICOMDIR", "1.2.840.10008.1.3.10")
    (tmp_path / "._000.dcm").write_bytes(b"\0\5\x16\7" + bytes(200))
    read = read_volume(tmp_path)
    assert (read.content_hash, read.notes) == (plain.content_hash, ())


def test_source_of_a_series_goes_along_the_stack(tmp_path: Path, oblique: Volume) -> None:
    files = write_series(tmp_path, oblique.voxels, oblique.ijk_to_ras, FrameOfReferenceUID="1.2.7")
    source = read_volume(tmp_path).dicom
    assert source is not None
    assert (source.study, source.series, source.frame_of_reference) == ("1.2.3", "1.2.3.4", "1.2.7")
    assert source.instances == tuple(dcmread(file).SOPInstanceUID for file in files)


def test_source_of_frames_names_their_file(tmp_path: Path, oblique: Volume) -> None:
    order = [3, 0, 4, 1, 2]
    tags = enhanced_tags(oblique.ijk_to_ras, order)
    write_dicom(tmp_path / "a.dcm", oblique.voxels[order], EnhancedMRImageStorage, **tags)
    source = read_volume(tmp_path / "a.dcm").dicom
    assert source is not None
    assert source.instances == (dcmread(tmp_path / "a.dcm").SOPInstanceUID,) * 5
    assert source.frame_of_reference is None


def test_file_without_uids_has_no_source(tmp_path: Path, oblique: Volume) -> None:
    write_dicom(tmp_path / "a.dcm", oblique.voxels[0], StudyInstanceUID="")
    assert read_volume(tmp_path / "a.dcm").dicom is None


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_uids_that_are_none_tell_series_apart_all_the_same(tmp_path: Path, oblique: Volume) -> None:
    for name, index in (("first", 0), ("second", 5)):
        (tmp_path / name).mkdir()
        further = oblique.ijk_to_ras.copy()
        further[:, 3] = oblique.ijk_to_ras @ (0, 0, index, 1)
        for file in write_series(tmp_path / name, oblique.voxels, further, SeriesInstanceUID=f"HIDDEN {name}"):
            file.rename(tmp_path / f"{name} {file.name}")
    with pytest.raises(MedCLIPSegError, match="2 DICOM series"):
        read_volume(tmp_path)
    for file in tmp_path.glob("second *"):
        file.unlink()
    read = read_volume(tmp_path)
    assert len(read.voxels) == len(oblique.voxels)
    assert read.dicom is None
