"""Slices and the stack they form.

The geometry comes from the positions of the slices, so that a tilted gantry is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from .itk_images import LPS_TO_RAS

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
    if not all(is_parallel(first, plane) for plane in planes[1:]):
        raise MedCLIPSegError(
            f"{path} mixes slices of different orientation; give a folder with the slices of one scan."
        )
    if any(np.abs(first.pixel_size - plane.pixel_size).max() > ALIKE for plane in planes[1:]):
        raise MedCLIPSegError(
            f"{path} mixes slices of different pixel size; give a folder with the slices of one scan."
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


def is_parallel(first: SlicePlane, other: SlicePlane) -> bool:
    """True if rows and columns of both slices run the same way."""
    differences = (first.along_row - other.along_row, first.along_column - other.along_column)
    return max(float(np.abs(difference).max()) for difference in differences) <= ALIKE
