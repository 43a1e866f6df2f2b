"""The header of a DICOM file: what is read of it and checked before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from .dicom_codestreams import check_codestreams
from .dicom_scan import DicomStream, damaged, scan_dicom, too_deep
from .dicom_stack import SlicePlane
from .dicom_tags import group, number, numbers, reading_tags
from .limits import check_claim
from .volume import DicomSource

WANTED = {
    tag_for_keyword(keyword)
    for keyword in (
        "SpecificCharacterSet",
        "ImageType",
        "SOPClassUID",
        "SOPInstanceUID",
        "SeriesDescription",
        "SliceThickness",
        "SpacingBetweenSlices",
        "SequenceOfUltrasoundRegions",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SeriesNumber",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "FrameOfReferenceUID",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "PixelSpacing",
        "BitsAllocated",
        "BitsStored",
        "PixelRepresentation",
        "RescaleIntercept",
        "RescaleSlope",
        "ModalityLUTSequence",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
    )
}
GEOMETRY_SEQUENCES = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
HALF_COLOR = ("YBR_FULL_422", "YBR_PARTIAL_422")
MOST_IN_LITTLE = 2**26
"""Bytes of pixels that a compressed file of any size may claim: empty slices can be packed as small as one likes."""
DEEPEST_IMAGE = 8
"""Sequences within sequences; GDCM takes twice as long with each. Images of scanners have five."""
FARTHEST = 1e6
"""Largest believable position or distance in mm."""


@dataclass(frozen=True, eq=False)
class DicomHeader:
    """What a DICOM file says of its image.

    Args:
        path: of the file.
        tags: the elements of ``WANTED``.
        frames, rows, columns: size of the image.
        planes: where each frame lies; empty if the file does not place its frames in space.
        kind: SOP Class UID.
        study, series, instance, frame_of_reference: UIDs; as stated, well-formed or not; empty texts if missing.
        is_localizer: the scanner made it as a scout.
    """

    path: Path
    tags: Dataset
    frames: int
    rows: int
    columns: int
    planes: tuple[SlicePlane, ...]
    kind: str
    study: str
    series: str
    instance: str
    frame_of_reference: str
    is_localizer: bool

    @property
    def voxels(self) -> int:
        """Number of voxels over all frames."""
        return self.frames * self.rows * self.columns

    @property
    def is_segmentation(self) -> bool:
        """True for masks, which may lie beside the images that they belong to."""
        return self.kind in SEGMENTATIONS

    @property
    def description(self) -> str:
        """What people call the series."""
        with reading_tags(self.path):
            number = self.tags.get("SeriesNumber", "without number")
            return str(self.tags.get("SeriesDescription") or f"series {number}")


def read_header(path: Path) -> DicomHeader | None:
    """Read and check the header of an image.

    Returns:
        The header; None if the file is not DICOM or holds no image, such as a report or a presentation state.

    Raises:
        MedCLIPSegError: damaged or too deeply nested, or the stated size does not fit file or memory.
    """
    stream = scan_dicom(path, WANTED)
    if stream is None:
        return None
    with reading_tags(path):
        tags = read_dataset(BytesIO(stream.header), stream.is_implicit, stream.is_little_endian)
        if not stream.pixels or "Rows" not in tags:
            return None
        header = _header(path, tags)
        samples, bits = int(number(tags, "SamplesPerPixel", 1)), int(number(tags, "BitsAllocated", 16))
        sampled = 2 if tags.get("PhotometricInterpretation") in HALF_COLOR else samples
    if stream.depth > DEEPEST_IMAGE:
        raise too_deep(path)
    if not (1 <= samples <= 4 and 1 <= bits <= 64):
        raise damaged(path)
    check_claim(path, header.voxels, 2 * samples * -(-bits // 8))  # decoding holds stored beside rescaled values
    _check_pixels(header, stream, header.voxels * sampled * bits // 8)
    return header


def source_of(headers: Sequence[DicomHeader], slices: int) -> DicomSource | None:
    """What a later DICOM object refers to.

    Args:
        headers: of the files, in the order of the stack; one if it holds all ``slices``.
        slices: number of slices.

    Returns:
        None if the files lack a UID, or state one that is none.
    """
    first = headers[0]
    instances = tuple(header.instance for header in headers) * (slices if len(headers) == 1 else 1)
    if not all(map(_is_uid, (first.study, first.series, *instances))):
        return None
    is_common = all(header.frame_of_reference == first.frame_of_reference for header in headers)
    frame = first.frame_of_reference if is_common and _is_uid(first.frame_of_reference) else None
    return DicomSource(first.study, first.series, frame, instances)


def _header(path: Path, tags: Dataset) -> DicomHeader:
    frames, rows, columns = (
        int(number(tags, keyword, default)) for keyword, default in (("NumberOfFrames", 1), ("Rows", 0), ("Columns", 0))
    )
    if frames < 0 or rows < 1 or columns < 1:
        raise ValueError("size")
    return DicomHeader(
        path,
        tags,
        max(frames, 1),
        rows,
        columns,
        _planes(tags),
        _uid(tags, "SOPClassUID"),
        _uid(tags, "StudyInstanceUID"),
        _uid(tags, "SeriesInstanceUID"),
        _uid(tags, "SOPInstanceUID"),
        _uid(tags, "FrameOfReferenceUID"),
        "LOCALIZER" in np.atleast_1d(tags.get("ImageType") or ""),
    )


def _uid(tags: Dataset, keyword: str) -> str:
    return str(tags.get(keyword) or "")


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= 64 and set(text) <= set("0123456789.")


def _planes(tags: Dataset) -> tuple[SlicePlane, ...]:
    try:
        if "PerFrameFunctionalGroupsSequence" not in tags:
            return (_plane(tags, tags, tags),)
        return tuple(
            _plane(*(group(tags, frame, sequence) for sequence in GEOMETRY_SEQUENCES))
            for frame in tags.PerFrameFunctionalGroupsSequence
        )
    except KeyError:
        return ()


def _plane(position: Dataset, orientation: Dataset, measures: Dataset) -> SlicePlane:
    cosines = numbers(orientation, "ImageOrientationPatient", 6).reshape(2, 3)
    along_row, along_column = cosines / np.linalg.norm(cosines, axis=1, keepdims=True)
    thickness = abs(number(measures, "SpacingBetweenSlices", 0) or number(measures, "SliceThickness", 0) or 1)
    plane = SlicePlane(
        numbers(position, "ImagePositionPatient", 3),
        along_row,
        along_column,
        numbers(measures, "PixelSpacing", 2),
        thickness,
    )
    lengths = [*plane.pixel_size, thickness]
    if not np.isfinite(plane.normal).all() or min(lengths) <= 0 or max(*lengths, *abs(plane.position)) > FARTHEST:
        raise ValueError("geometry")
    return plane


def _check_pixels(header: DicomHeader, stream: DicomStream, claimed: int) -> None:
    """Hold the bytes that the header claims against the pixels in the file."""
    stored = sum(piece.length for piece in stream.pixels)
    if not stream.is_encapsulated:
        check_claim(header.path, claimed, 1, stored)
        return
    fragments = stream.pixels[1:]  # before them stands a table of offsets
    if len(fragments) < header.frames:
        raise damaged(header.path)
    if claimed > MOST_IN_LITTLE:
        check_claim(header.path, claimed, 1, stored, packed=True)
    check_codestreams(header.path, fragments, header.rows, header.columns)
