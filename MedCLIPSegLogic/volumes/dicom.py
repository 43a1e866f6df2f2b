"""DICOM files and folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import MedCLIPSegError
from .dicom_header import DicomHeader, read_header, source_of
from .dicom_scan import damaged
from .dicom_series import series_of, without_copies, without_scouts
from .dicom_stack import stack_slices
from .dicom_ultrasound import ultrasound_pixel
from .dicom_values import read_values
from .itk_images import image_matrix
from .limits import check_claim
from .volume import PICTURE_IJK_TO_RAS, Volume


def read_dicom_file(path: Path, name: str) -> Volume:
    """Read one DICOM file: a single slice, a picture, or the frames of a multi-frame file.

    Raises:
        MedCLIPSegError: unreadable file, or frames which do not form one evenly spaced stack.
    """
    header = read_header(path)
    if header is None:
        raise damaged(path)
    return _read_one(header, name, ())


def read_dicom_folder(path: Path, name: str) -> Volume:
    """Read a folder that holds the files of one DICOM series, under any names.

    Reports, presentation states and segmentations beside the images do not count. ``notes`` tell which copies, scouts
    and single images of another orientation were left out.

    Raises:
        MedCLIPSegError: no series or several, unreadable files, missing slices, several images at one position,
            or slices of different size or orientation.
    """
    headers, copies = without_copies(series_of(path))
    headers, scouts = without_scouts(headers, path)
    notes = copies + scouts
    if len(headers) == 1:
        return _read_one(headers[0], name, notes)
    order, matrix = stack_slices([header.planes[0] for header in headers], path)
    ordered = [headers[number] for number in order]
    check_claim(path, sum(header.voxels for header in ordered), 8)
    if len({(header.frames, header.rows, header.columns) for header in ordered}) > 1 or ordered[0].frames > 1:
        raise MedCLIPSegError(f"{path} holds slices of different sizes; give a folder with the slices of one scan.")
    slices = [read_values(header)[1] for header in ordered]
    if len({voxels.ndim for voxels in slices}) > 1:
        raise MedCLIPSegError(f"{path} mixes grey and color slices; give a folder with the slices of one scan.")
    return Volume(np.concatenate(slices), matrix, name, notes=notes, dicom=source_of(ordered, len(ordered)))


def _read_one(header: DicomHeader, name: str, notes: tuple[str, ...]) -> Volume:
    image, voxels = read_values(header)
    source = source_of([header], len(voxels))
    if len(header.planes) == len(voxels):
        order, matrix = stack_slices(header.planes, header.path)
        return Volume(voxels[order], matrix, name, notes=notes, dicom=source)
    if header.planes or image.GetSpacing()[:2] != (1.0, 1.0):
        return Volume(voxels, image_matrix(image), name, notes=notes, dicom=source)
    size, more_notes = ultrasound_pixel(header)
    height, width = size or (1, 1)
    matrix = PICTURE_IJK_TO_RAS @ np.diag([width, height, 1.0, 1.0])
    return Volume(voxels, matrix, name, size is not None, notes + more_notes, source)
