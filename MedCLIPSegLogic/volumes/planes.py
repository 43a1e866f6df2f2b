"""Slices along the voxel axes, turned to the usual radiological display without resampling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError, quoted
from .volume import Volume

Plane = Literal["auto", "axial", "coronal", "sagittal"]

SLICE_NUMBER = re.compile("[0-9]{0,18}")
CLEARLY_COARSER = 1.2
"""An axis is the slice axis when its spacing exceeds this multiple of the other two."""

MOST_STRETCHED = 2.0
"""Ratio of the two distances of pixels up to which slices show things in their shape; coarser ones are stripes."""
MOST_ELONGATED = 4.0
"""Ratio of the two sides of a slice, in mm, up to which it shows things whole; of a thin slab others are stripes."""
ROUNDING = 1e-3
"""Of spacings, which come from files in single precision."""

ACQUISITION = "acquisition"
ACROSS = ("sagittal", "coronal", "axial")
"""Name of the plane across the R, A and S axis."""

ROWS_AND_COLUMNS = {"axial": (1, 0), "coronal": (2, 0), "sagittal": (2, 1)}
"""RAS axes along which the rows and the columns of the displayed plane follow each other, from + to −."""


@dataclass(frozen=True)
class SliceAxis:
    """How slices are cut from (K, J, I) arrays and turned for display.

    Axial slices run from anterior down to posterior, coronal and sagittal ones from superior down to inferior. The
    patient's right is on the left of axial and coronal slices, the front on the left of sagittal ones.

    Args:
        axis: array axis across the slices: 0 for K, 1 for J, 2 for I.
        name: "axial", "coronal" or "sagittal", whichever is nearest; "acquisition" for pictures.
        transposed: the two array axes of the slice are exchanged for display.
        flip_rows: rows are then reversed.
        flip_columns: columns are then reversed.
        count: number of slices.
        pixel_spacing: distance in mm of neighbouring rows and of neighbouring columns of the turned slice; 1 for
            pictures.
    """

    axis: int
    name: str
    transposed: bool
    flip_rows: bool
    flip_columns: bool
    count: int
    pixel_spacing: tuple[float, float]

    @property
    def plane(self) -> Plane:
        """What to ask for to get these slices."""
        return next((plane for plane in get_args(Plane) if plane == self.name), "auto")

    @property
    def is_stretched(self) -> bool:
        """Pixels are farther apart in one direction than :data:`MOST_STRETCHED` times their distance in the other."""
        return max(self.pixel_spacing) > (MOST_STRETCHED + ROUNDING) * min(self.pixel_spacing)

    def extract(self, voxels: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        """Copy one slice, turned for display.

        Args:
            voxels: (K, J, I) or (K, J, I, 3).
            index: 0 … count - 1 along the voxel axis.

        Returns:
            (H, W) or (H, W, 3), contiguous.

        Raises:
            IndexError: ``index`` is out of range.
        """
        return self._displayed(voxels, index).copy(order="C")

    def insert(self, target: NDArray[np.generic], index: int, oriented_slice: NDArray[np.generic]) -> None:
        """Write a turned slice back where ``extract`` takes it from.

        Args:
            target: (K, J, I) or (K, J, I, 3), changed in place.
            index: 0 … count - 1 along the voxel axis.
            oriented_slice: (H, W) or (H, W, 3).

        Raises:
            IndexError: ``index`` is out of range.
            ValueError: the slice does not have the shape of the target's slices.
        """
        view = self._displayed(target, index)
        if view.shape != oriented_slice.shape:
            raise ValueError(f"slice of shape {oriented_slice.shape} for a place of shape {view.shape}")
        view[...] = oriented_slice

    def _displayed(self, voxels: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        """View of one slice as it is displayed."""
        if not 0 <= index < self.count:
            raise IndexError(f"slice {index} of {self.count}")
        place: list[int | slice] = [slice(None)] * 3
        place[self.axis] = index
        view = voxels[tuple(place)]
        if self.transposed:
            view = view.swapaxes(0, 1)
        return view[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]


def choose_axis(volume: Volume, plane: Plane) -> SliceAxis:
    """Choose the voxel axis to slice along.

    Args:
        volume: the image; of a single slice or a stack.
        plane: "auto" takes the plane of acquisition: the only slice of a single-slice volume, else across the axis
            whose spacing is clearly coarser than the others, else across K. Other values take the voxel axis
            nearest to the anatomical one.

    Returns:
        The axis with the turns for display.

    Raises:
        MedCLIPSegError: a plane other than its own is asked of a single-slice volume.
    """
    from nibabel.orientations import io_orientation

    orientation = io_orientation(volume.known_geometry)
    # Rows of the orientation belong to I, J, K; array axes run K, J, I.
    ras_axes = [int(axis) for axis in orientation[::-1, 0]]
    rising = [sign > 0 for sign in orientation[::-1, 1]]
    own = _acquisition_axis(volume)
    axis = own if plane == "auto" else ras_axes.index(ACROSS.index(plane))
    if volume.shape[own] == 1 and axis != own:
        raise MedCLIPSegError(
            f"{volume.name} is a single slice and cannot be cut in the {plane} plane; choose the plane auto."
        )
    name = ACROSS[ras_axes[axis]]
    rows, columns = (ras_axes.index(ras) for ras in ROWS_AND_COLUMNS[name])
    spacing = volume.known_spacing[::-1]
    return SliceAxis(
        axis=axis,
        name=name if volume.spacing_known else ACQUISITION,
        transposed=rows > columns,
        flip_rows=rising[rows],
        flip_columns=rising[columns],
        count=volume.shape[axis],
        pixel_spacing=(spacing[rows], spacing[columns]),
    )


def usable_planes(volume: Volume) -> list[SliceAxis]:
    """The axial, coronal and sagittal slices of a volume, without those that are stripes; none of a single slice."""
    if volume.is_single_slice or not volume.spacing_known:
        return []
    planes: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
    axes = (choose_axis(volume, plane) for plane in planes)
    return [axis for axis in axes if not axis.is_stretched and not _is_elongated(volume, axis)]


def _is_elongated(volume: Volume, axis: SliceAxis) -> bool:
    sides = [n * mm for n, mm in zip(volume.shape, volume.known_spacing[::-1], strict=True)]
    across = sides[: axis.axis] + sides[axis.axis + 1 :]
    return max(across) > MOST_ELONGATED * min(across)


def _acquisition_axis(volume: Volume) -> int:
    if 1 in volume.shape:
        return volume.shape.index(1)
    spacing = volume.known_spacing[::-1]
    coarsest = int(np.argmax(spacing))
    others = max(spacing[:coarsest] + spacing[coarsest + 1 :])
    return coarsest if spacing[coarsest] > CLEARLY_COARSER * others else 0


def parse_slice_range(text: str, count: int) -> tuple[int, int]:
    """Read a half-open range of slices.

    Args:
        text: "A:B" for slices A … B - 1, counted from 0; either end may be left out.
        count: number of slices of the volume.

    Returns:
        First slice and the slice after the last one.

    Raises:
        MedCLIPSegError: not a range of whole numbers, beyond the volume, or empty.
    """
    shown, ends = quoted(text), [end.strip() for end in text.split(":")]
    if len(ends) != 2 or not all(SLICE_NUMBER.fullmatch(end) for end in ends):
        raise MedCLIPSegError(
            f'The slice range "{shown}" is not of the form A:B with whole numbers; write for example 10:20.'
        )
    first = int(ends[0] or 0)
    end = int(ends[1] or count)
    if first >= count or end > count:
        raise MedCLIPSegError(f'The slice range "{shown}" goes beyond the {count} slices; choose within 0:{count}.')
    if first >= end:
        raise MedCLIPSegError(f'The slice range "{shown}" holds no slice; the second number must exceed the first.')
    return first, end


def slice_indices(slices: tuple[int, int] | None, count: int) -> list[int]:
    """Slices of a range (first, end), end exclusive; all of them for None.

    Raises:
        MedCLIPSegError: the range does not fit into ``count`` slices.
    """
    first, end = slices or (0, count)
    if not 0 <= first < end <= count:
        raise MedCLIPSegError(f"The slice range {first}:{end} does not fit; the volume has slices 0:{count}.")
    return list(range(first, end))


def outwards(indices: list[int], start: int | None) -> list[int]:
    """The same slices, nearest to ``start`` first and the later of two equally near ones first.

    Args:
        indices: in rising order.
        start: slice to begin with; outside the range the nearest end is meant. None keeps the order.
    """
    if start is None:
        return list(indices)
    return sorted(indices, key=lambda index: (abs(index - start), -index))
