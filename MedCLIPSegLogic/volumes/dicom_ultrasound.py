"""Pixel size of ultrasound pictures, from the regions which the scanner marks on the screen."""

from __future__ import annotations

from math import isclose

from pydicom.dataset import Dataset

from .dicom_header import DicomHeader
from .dicom_tags import number, reading_tags

TISSUE_PLANE, CENTIMETERS = 1, 3
"""Region Spatial Format 2D, and Physical Units cm (DICOM PS3.3 C.8.5.5)."""
SAME_SIZE = 1e-4
"""Largest relative difference of the pixel sizes of two regions."""


def ultrasound_pixel(header: DicomHeader) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Pixel size by the ultrasound regions.

    Returns:
        Height and width of a pixel in mm, or None if the file does not state one size for the whole picture; and notes.

    Raises:
        MedCLIPSegError: the regions are damaged.
    """
    with reading_tags(header.path):
        regions = list(header.tags.get("SequenceOfUltrasoundRegions") or ())
        sizes = [_size(region) for region in regions]
        covers = any(_covers(region, header) for region in regions)
    if not regions:
        return None, ()
    size = sizes[0]
    if size is None or not all(other and _is_same(size, other) for other in sizes[1:]):
        return None, ("The ultrasound regions of the file state no common pixel size, so sizes are in pixels.",)
    if header.frames > 1:
        return None, ("The file states no distance between its ultrasound frames, so sizes are in pixels.",)
    if not covers:
        return size, ("The pixel size holds in the marked ultrasound region, not in the rest of the picture.",)
    return size, ()


def _size(region: Dataset) -> tuple[float, float] | None:
    directions = ("Y", "X")
    if number(region, "RegionSpatialFormat", 0) != TISSUE_PLANE or any(
        number(region, f"PhysicalUnits{direction}Direction", 0) != CENTIMETERS for direction in directions
    ):
        return None
    height, width = (abs(number(region, f"PhysicalDelta{direction}", 0)) * 10 for direction in directions)
    return (height, width) if min(height, width) > 1e-4 and max(height, width) < 100 else None


def _is_same(first: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(isclose(a, b, rel_tol=SAME_SIZE) for a, b in zip(first, other, strict=True))


def _covers(region: Dataset, header: DicomHeader) -> bool:
    left, top, right, bottom = (
        number(region, f"RegionLocation{corner}", 0) for corner in ("MinX0", "MinY0", "MaxX1", "MaxY1")
    )
    return left <= 1 and top <= 1 and right >= header.columns - 2 and bottom >= header.rows - 2
