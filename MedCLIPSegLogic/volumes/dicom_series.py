"""Which files of a folder make the scan: one series, each image once, without scouts and other odd ones."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from ..errors import MedCLIPSegError, quoted
from .dicom_header import DicomHeader, read_header
from .dicom_stack import is_parallel
from .dicom_tags import reading_tags
from .dicom_values import read_values

MOST_ODD_ONES = 2
"""This many images of another orientation are scouts; more of them are another scan."""
MOST_NAMED = 5
NAMES = {tag_for_keyword(keyword) for keyword in ("SpecificCharacterSet", "SeriesDescription", "SeriesNumber")}
"""Archives change them; they say nothing of the image."""


def series_of(path: Path) -> list[DicomHeader]:
    """Headers of the images directly in a folder, in the order of the file names.

    Raises:
        MedCLIPSegError: no image, several series, or a damaged file.
    """
    series = defaultdict(list)
    for file in sorted(path.iterdir(), key=lambda file: (len(file.name), file.name)):  # a copy has the longer name
        if file.is_file() and (header := read_header(file)) and not header.is_segmentation:
            series[header.series].append(header)
    if not series:
        raise MedCLIPSegError(f"{path} holds no DICOM images; give the folder which directly contains the .dcm files.")
    if len(series) > 1:
        descriptions = _listed([headers[0].description for headers in series.values()])
        raise MedCLIPSegError(
            f"{path} holds {len(series)} DICOM series ({descriptions}); give a folder which holds one series."
        )
    return next(iter(series.values()))


def without_copies(headers: Sequence[DicomHeader]) -> tuple[list[DicomHeader], tuple[str, ...]]:
    """Each image once.

    Returns:
        The headers without those that repeat another one, and a note that names them.

    Raises:
        MedCLIPSegError: two files claim to be the same image but differ.
    """
    kept: dict[str, DicomHeader] = {}
    copies = []
    for header in headers:
        first = kept.setdefault(header.instance or header.path.name, header)
        if first is header:
            continue
        if not _is_same(first, header):
            raise MedCLIPSegError(
                f"{first.path} and {quoted(header.path.name)} are stated to be the same image but differ; "
                "keep the right one in the folder."
            )
        copies.append(header)
    note = f"Left out as copies of other images of the series: {_names(copies)}."
    return list(kept.values()), (note,) if copies else ()


def without_scouts(headers: Sequence[DicomHeader], path: Path) -> tuple[list[DicomHeader], tuple[str, ...]]:
    """The slices of the stack.

    Left out are images which the scanner calls scouts, and up to ``MOST_ODD_ONES`` images of any other orientation or
    without a position, as long as the stack is more than half of the files.

    Args:
        headers: one or more files of a series.
        path: of the folder, named in errors.

    Returns:
        The headers of the stack, and a note that names what was left out.

    Raises:
        MedCLIPSegError: the images have no positions, or more than one orientation may be that of the scan.
    """
    groups: list[list[DicomHeader]] = []
    is_scout = [header.is_localizer for header in headers]
    for header, scout in zip(headers, is_scout, strict=True):
        if scout and not all(is_scout):
            continue
        alike = next((group for group in groups if _is_alike(group[0], header)), None)
        if alike is None:
            groups.append(alike := [])
        alike.append(header)
    stack, *others = sorted(groups, key=len, reverse=True)
    in_stack = set(stack)
    odd_ones = [header for header in headers if header not in in_stack]
    if odd_ones and (2 * len(stack) <= len(headers) or any(len(group) > MOST_ODD_ONES for group in others)):
        raise MedCLIPSegError(
            f"{path} mixes slices of different orientation, such as {_names([stack[0]])} and {_names(odd_ones[:1])}; "
            "give a folder with the slices of one scan."
        )
    if len(stack[0].planes) != 1 and len(headers) > 1:
        raise MedCLIPSegError(
            f"{path} holds DICOM files which are no slices with positions in space; give one file instead."
        )
    note = f"Left out as scouts or single images of another orientation: {_names(odd_ones)}."
    return stack, (note,) if odd_ones else ()


def _is_same(first: DicomHeader, other: DicomHeader) -> bool:
    if filecmp.cmp(first.path, other.path, shallow=False):
        return True
    with reading_tags(other.path):
        return _image_tags(first) == _image_tags(other) and np.array_equal(read_values(first)[1], read_values(other)[1])


def _image_tags(header: DicomHeader) -> Dataset:
    return Dataset({tag: header.tags[tag] for tag in header.tags.keys() - NAMES})


def _is_alike(first: DicomHeader, other: DicomHeader) -> bool:
    if len(first.planes) != 1 or len(other.planes) != 1:
        return len(first.planes) != 1 and len(other.planes) != 1
    return is_parallel(first.planes[0], other.planes[0])


def _names(headers: Sequence[DicomHeader]) -> str:
    return _listed([header.path.name for header in headers])


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_NAMED
    return ", ".join(quoted(text) for text in texts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
