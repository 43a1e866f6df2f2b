"""DICOM files and folders.

SimpleITK (GDCM) decodes the voxels: it applies the rescale slope, inverts MONOCHROME1 and turns YBR into RGB. The
geometry of stacks comes from the positions of the slices, so that a tilted gantry is kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ..errors import MedCLIPSegError
from .dicom_stack import SlicePlane, stack_slices
from .itk_images import image_matrix, image_voxels, quiet_itk, read_image
from .volume import PICTURE_IJK_TO_RAS, Volume

GEOMETRY_TAGS = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SpacingBetweenSlices",
    "SliceThickness",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
FRAME_SEQUENCES = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")


def read_dicom_file(path: Path, name: str) -> Volume:
    """Read one DICOM file: a single slice, a picture, or the frames of a multi-frame file.

    Raises:
        MedCLIPSegError: unreadable file, or frames which do not form one evenly spaced stack.
    """
    image = read_image(path)
    voxels = image_voxels(image, path)
    planes = _planes(_header(path), path)
    if len(planes) == len(voxels):
        order, matrix = stack_slices(planes, path)
        return Volume(voxels[order], matrix, name)
    if planes or image.GetSpacing()[:2] != (1.0, 1.0):
        return Volume(voxels, image_matrix(image), name)
    return Volume(voxels, PICTURE_IJK_TO_RAS.copy(), name, spacing_known=False)


def read_dicom_folder(path: Path, name: str) -> Volume:
    """Read a folder that holds the files of one DICOM series, under any names.

    Raises:
        MedCLIPSegError: no series or several, unreadable files, missing slices, several images at one position,
            or slices of different size or orientation.
    """
    files = _series_files(path)
    if len(files) == 1:
        return read_dicom_file(files[0], name)
    planes = []
    for file in files:
        found = _planes(_header(file), file)
        if len(found) != 1:
            raise MedCLIPSegError(
                f"{path} holds DICOM files which are no slices with positions in space; give one file instead."
            )
        planes += found
    order, matrix = stack_slices(planes, path)
    slices = [image_voxels(read_image(files[number]), files[number]) for number in order]
    if len({voxels.shape for voxels in slices}) > 1 or len(slices[0]) != 1:
        raise MedCLIPSegError(f"{path} holds slices of different sizes; give a folder with the slices of one scan.")
    return Volume(np.concatenate(slices), matrix, name)


def _series_files(path: Path) -> list[Path]:
    with quiet_itk():
        series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(path))
        files = [sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path), uid) for uid in series]
    if not series:
        raise MedCLIPSegError(f"{path} holds no DICOM images; give the folder which directly contains the .dcm files.")
    if len(series) > 1:
        descriptions = ", ".join(_description(Path(names[0])) for names in files)
        raise MedCLIPSegError(
            f"{path} holds {len(series)} DICOM series ({descriptions}); give a folder which holds one series."
        )
    return [Path(file) for file in files[0]]


def _read_tags(path: Path, tags: tuple[str, ...]) -> Dataset:
    # GDCM has already recognised the file; forcing lets files without the DICOM preamble through as well.
    return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(tags))


def _description(path: Path) -> str:
    header = _read_tags(path, ("SeriesDescription", "SeriesNumber"))
    return str(header.get("SeriesDescription") or f"series {header.get('SeriesNumber', 'without number')}")


def _header(path: Path) -> Dataset:
    return _read_tags(path, GEOMETRY_TAGS)


def _planes(header: Dataset, path: Path) -> list[SlicePlane]:
    """Plane of every frame; empty if the file does not place its frames in space."""
    try:
        if "PerFrameFunctionalGroupsSequence" not in header:
            return [_plane(header, header, header)]
        shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
        return [
            _plane(*(_group(sequence, frame, shared[0]) for sequence in FRAME_SEQUENCES))
            for frame in header.PerFrameFunctionalGroupsSequence
        ]
    except KeyError:
        return []
    except (ValueError, TypeError) as error:
        raise MedCLIPSegError(f"{path} has a damaged DICOM header; export the file again.") from error


def _group(sequence: str, frame: Dataset, shared: Dataset) -> Dataset:
    """First item of a functional group, from the frame itself or else from what all frames share."""
    item: Dataset = (frame if sequence in frame else shared)[sequence][0]
    return item


def _plane(position: Dataset, orientation: Dataset, measures: Dataset) -> SlicePlane:
    cosines = _numbers(orientation, "ImageOrientationPatient", 6).reshape(2, 3)
    along_row, along_column = cosines / np.linalg.norm(cosines, axis=1, keepdims=True)
    return SlicePlane(
        _numbers(position, "ImagePositionPatient", 3),
        along_row,
        along_column,
        _numbers(measures, "PixelSpacing", 2),
        abs(float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1)),
    )


def _numbers(dataset: Dataset, tag: str, count: int) -> NDArray[np.float64]:
    """Value of a tag; KeyError if it is absent or empty."""
    value = dataset[tag].value
    if not value:
        raise KeyError(tag)
    return np.array(value, dtype=np.float64).reshape(count)
