"""DICOM files and folders.

SimpleITK (GDCM) decodes the voxels: it applies the rescale slope, inverts MONOCHROME1 and turns YBR into RGB. The
geometry of stacks comes from the positions of the slices, so that a tilted gantry is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ..errors import MedCLIPSegError
from .itk_images import LPS_TO_RAS, image_matrix, image_voxels, quiet_itk, read_image
from .volume import PICTURE_IJK_TO_RAS, Volume

ALIKE = 1e-3
"""Largest difference of direction cosines, and of pixel sizes in mm, within one stack."""

SAME_POSITION = 1e-3
"""Slices closer than this, in mm along the normal, lie at one position."""

LARGEST_DEVIATION = 0.1
"""Largest distance of a slice from its place in an even stack, as a share of the slice distance."""


@dataclass(frozen=True, eq=False)
class SlicePlane:
    """Where a slice lies, in DICOM's patient coordinates (LPS, mm).

    Args:
        position: (3,) centre of the first pixel.
        along_row: (3,) unit vector towards the next column.
        along_column: (3,) unit vector towards the next row.
        pixel_size: (2,) distance of neighbouring rows and of neighbouring columns.
        thickness: distance of neighbouring slices as the file states it.
    """

    position: NDArray[np.float64]
    along_row: NDArray[np.float64]
    along_column: NDArray[np.float64]
    pixel_size: NDArray[np.float64]
    thickness: float

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit vector across the slice."""
        normal = np.cross(self.along_row, self.along_column)
        return normal / np.linalg.norm(normal)

    def matrix(self, step: NDArray[np.float64]) -> NDArray[np.float64]:
        """IJK-to-RAS matrix, (4, 4) in mm, of a stack that starts here and goes on by ``step``, (3,) in LPS."""
        lps = np.eye(4)
        lps[:3, 0] = self.along_row * self.pixel_size[1]
        lps[:3, 1] = self.along_column * self.pixel_size[0]
        lps[:3, 2] = step
        lps[:3, 3] = self.position
        return LPS_TO_RAS @ lps


def stack_slices(planes: Sequence[SlicePlane], path: Path) -> tuple[list[int], NDArray[np.float64]]:
    """Sort slices along their normal and find the geometry of the stack.

    Args:
        planes: one or more slices in any order; a single one is as thick as the file states.
        path: named in errors.

    Returns:
        The order of the slices, and the (4, 4) IJK-to-RAS matrix in mm. It is sheared where the slices are shifted
        sideways, as in CT with a tilted gantry.

    Raises:
        MedCLIPSegError: slices of different orientation or pixel size, several at one position, or uneven distances.
    """
    first = planes[0]
    if len(planes) == 1:
        return [0], first.matrix(first.normal * first.thickness)
    if any(_differ(first, plane) for plane in planes[1:]):
        raise MedCLIPSegError(
            f"{path} mixes slices of different orientation or pixel size; give a folder with the slices of one scan."
        )
    heights = [float(plane.position @ first.normal) for plane in planes]
    order = sorted(range(len(planes)), key=heights.__getitem__)
    if np.diff(np.asarray(heights)[order]).min() < SAME_POSITION:
        raise MedCLIPSegError(
            f"{path} holds several images at the same position (for example time points); "
            "give a folder with one image for each position."
        )
    positions = np.array([planes[number].position for number in order])
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    even = positions[0] + np.arange(len(positions))[:, None] * step
    if np.linalg.norm(positions - even, axis=1).max() > LARGEST_DEVIATION * np.linalg.norm(step):
        raise MedCLIPSegError(
            f"{path} has missing or unevenly spaced slices; export the complete series again or resample it evenly."
        )
    return order, planes[order[0]].matrix(step)


def _differ(first: SlicePlane, other: SlicePlane) -> bool:
    differences = (
        first.along_row - other.along_row,
        first.along_column - other.along_column,
        first.pixel_size - other.pixel_size,
    )
    return max(float(np.abs(difference).max()) for difference in differences) > ALIKE


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
    planes = _planes(path)
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
        found = _planes(file)
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


def _planes(path: Path) -> list[SlicePlane]:
    """Plane of every frame; empty if the file does not place its frames in space."""
    header = _read_tags(path, GEOMETRY_TAGS)
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
