from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import enhanced_tags, lps_tags, write_dicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedUSVolumeStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume

MATRIX = np.diag([-0.5, -0.5, 2.0, 1.0])
STORED = np.arange(60, dtype=np.int16).reshape(5, 3, 4)


def rescale(slope: object, intercept: object) -> Dataset:
    item = Dataset()
    item.RescaleSlope, item.RescaleIntercept, item.RescaleType = str(slope), str(intercept), "US"
    return item


@pytest.mark.parametrize("kind", [EnhancedMRImageStorage, EnhancedCTImageStorage, EnhancedUSVolumeStorage])
def test_every_frame_has_its_own_rescale(tmp_path: Path, kind: str) -> None:
    order, slopes, intercepts = [3, 0, 4, 1, 2], (0.25, 2, 1.7, 0.001, 30), (5, -1024, 0.5, 0, 7)
    tags = enhanced_tags(MATRIX, order)
    for frame, slope, intercept in zip(tags["PerFrameFunctionalGroupsSequence"], slopes, intercepts, strict=True):
        frame.PixelValueTransformationSequence = [rescale(slope, intercept)]
    write_dicom(tmp_path / "a.dcm", STORED[order], kind, **tags)
    expected = STORED[order] * np.reshape(slopes, (5, 1, 1)) + np.reshape(intercepts, (5, 1, 1))
    read = read_volume(tmp_path / "a.dcm").voxels
    np.testing.assert_allclose(read[order], expected, rtol=1e-12)


def test_rescale_of_some_frames_only_is_refused(tmp_path: Path) -> None:
    tags = enhanced_tags(MATRIX, list(range(5)))
    for frame in tags["PerFrameFunctionalGroupsSequence"][1:]:
        frame.PixelValueTransformationSequence = [rescale(2, -1024)]
    write_dicom(tmp_path / "a.dcm", STORED, EnhancedCTImageStorage, **tags)
    with pytest.raises(MedCLIPSegError, match=r"a\.dcm has a damaged DICOM header"):
        read_volume(tmp_path / "a.dcm")


@pytest.mark.parametrize("shared", [True, False])
def test_common_rescale_is_applied_once(tmp_path: Path, shared: bool) -> None:
    tags = enhanced_tags(MATRIX, list(range(5)))
    groups = tags["SharedFunctionalGroupsSequence" if shared else "PerFrameFunctionalGroupsSequence"]
    for item in groups:
        item.PixelValueTransformationSequence = [rescale(2, -1024)]
    write_dicom(tmp_path / "a.dcm", STORED, EnhancedCTImageStorage, **tags)
    read = read_volume(tmp_path / "a.dcm").voxels
    np.testing.assert_array_equal(read, STORED * 2 - 1024)
    assert read.dtype.kind == "i"


def test_activity_of_every_slice_has_its_own_slope(tmp_path: Path) -> None:
    slopes = (0.5, 3, 0.0625)
    for index, slope in enumerate(slopes):
        write_dicom(
            tmp_path / f"{index}.dcm",
            STORED[index],
            PositronEmissionTomographyImageStorage,
            RescaleSlope=slope,
            RescaleIntercept=0,
            Units="BQML",
            **lps_tags(MATRIX, index),
        )
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, STORED[:3] * np.reshape(slopes, (3, 1, 1)))


def test_lookup_table_is_refused(tmp_path: Path) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 0, 16])
    table.add_new("LUTData", "US", [0, 10, 20, 70])
    write_dicom(tmp_path / "a.dcm", STORED[0], ModalityLUTSequence=[table])
    with pytest.raises(MedCLIPSegError, match=r"a\.dcm defines its values by a table"):
        read_volume(tmp_path / "a.dcm")


def region(**changes: object) -> Dataset:
    """A 2-D tissue region over a picture of 4 by 6 pixels."""
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionLocationMinX0": 0,
        "RegionLocationMinY0": 0,
        "RegionLocationMaxX1": 5,
        "RegionLocationMaxY1": 3,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.0125,
        "PhysicalDeltaY": 0.02,
    }
    for keyword, value in {**values, **changes}.items():
        setattr(item, keyword, value)
    return item


M_MODE = region(RegionSpatialFormat=2, RegionDataType=1, PhysicalUnitsXDirection=4)
HALF = region(RegionLocationMaxX1=2)


@pytest.mark.parametrize(
    ("regions", "note"),
    [
        ([region()], None),
        ([region(PhysicalDeltaY=-0.02)], None),
        ([HALF, region(RegionLocationMinX0=3)], "holds in the marked ultrasound region"),
        ([HALF], "holds in the marked ultrasound region"),
    ],
)
def test_ultrasound_regions_give_the_pixel_size(tmp_path: Path, regions: list[Dataset], note: str | None) -> None:
    pixels = np.zeros((4, 6), np.uint8)
    write_dicom(tmp_path / "a.dcm", pixels, UltrasoundImageStorage, SequenceOfUltrasoundRegions=regions)
    read = read_volume(tmp_path / "a.dcm")
    assert read.spacing == pytest.approx((0.125, 0.2, 1))
    assert read.spacing_known
    assert read.pixel_area == pytest.approx(0.025)
    assert bool(read.notes) == bool(note)
    assert all(str(note) in sentence for sentence in read.notes)


@pytest.mark.parametrize(
    "regions",
    [[M_MODE], [region(), M_MODE], [region(), region(PhysicalDeltaX=0.02)], [region(PhysicalDeltaX=0)], [Dataset()]],
)
def test_regions_of_other_kinds_leave_the_pixel_size_unknown(tmp_path: Path, regions: list[Dataset]) -> None:
    for item in regions:
        item.PhysicalDeltaX, item.PhysicalDeltaY = item.get("PhysicalDeltaX", 1), item.get("PhysicalDeltaY", 1)
    pixels = np.zeros((4, 6), np.uint8)
    write_dicom(tmp_path / "a.dcm", pixels, UltrasoundImageStorage, SequenceOfUltrasoundRegions=regions)
    read = read_volume(tmp_path / "a.dcm")
    assert read.spacing == (1, 1, 1)
    assert not read.spacing_known
    assert "no common pixel size" in read.notes[0]


def test_frames_of_a_film_have_no_distance(tmp_path: Path) -> None:
    pixels = np.zeros((3, 4, 6), np.uint8)
    tags = {"NumberOfFrames": 3, "SequenceOfUltrasoundRegions": [region()]}
    write_dicom(tmp_path / "a.dcm", pixels, UltrasoundMultiFrameImageStorage, **tags)
    read = read_volume(tmp_path / "a.dcm")
    assert not read.spacing_known
    assert "no distance between its ultrasound frames" in read.notes[0]
