"""The image as the engine sees it: voxels in KJI order and the exact IJK-to-RAS matrix."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PICTURE_IJK_TO_RAS: NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Geometry 3D Slicer gives to a plain picture: row 0 on top, 1 mm pixels."""

SHEAR_TOLERANCE = 1e-4
"""Largest product of two unit vectors along voxel axes that still counts as a right angle."""


@dataclass(frozen=True)
class DicomSource:
    """What a later DICOM object refers to.

    Args:
        study, series: UIDs of the study and of the series.
        frame_of_reference: its UID; None where the files state none.
        instances: SOP Instance UID of every slice, in the order of the stack.
    """

    study: str
    series: str
    frame_of_reference: str | None
    instances: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar or color image with geometry.

    Args:
        voxels: (K, J, I) for scalar images of any real type, (K, J, I, 3) uint8 in R, G, B order for color.
        ijk_to_ras: (4, 4) float64, voxel indices (i, j, k, 1) to RAS millimetres; may be oblique or sheared.
        name: short name for nodes and files.
        spacing_known: False for pictures, whose pixel size nobody states; the spacing is then a convention.
        notes: one sentence each on what was set aside or decided in reading, for the person at the screen.
        dicom: where the slices come from, if it was DICOM.
    """

    voxels: NDArray[np.generic]
    ijk_to_ras: NDArray[np.float64]
    name: str
    spacing_known: bool = True
    notes: tuple[str, ...] = ()
    dicom: DicomSource | None = None

    @property
    def is_color(self) -> bool:
        """True for (K, J, I, 3) voxels."""
        return self.voxels.ndim == 4

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along K, J and I."""
        k, j, i = self.voxels.shape[:3]
        return int(k), int(j), int(i)

    @property
    def is_single_slice(self) -> bool:
        """True when one of the three axes has a single voxel: a picture or one slice, whatever its orientation."""
        return 1 in self.shape

    @property
    def pixel_area(self) -> float:
        """Area in mm² of a pixel of a single slice, across its thin axis."""
        across = 0 if self.shape[0] == 1 else self.shape.index(1)
        first, second = np.delete(self.spacing[::-1], across)
        return float(first * second)

    @property
    def content_hash(self) -> str:
        """SHA-256 of voxels, their type and order, and geometry; the same image in another format has the same."""
        digest = hashlib.sha256(f"{self.voxels.dtype.str} {self.voxels.shape}".encode())
        digest.update(np.ascontiguousarray(self.ijk_to_ras, np.float64).tobytes())
        digest.update(np.ascontiguousarray(self.voxels).tobytes())
        return digest.hexdigest()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along I, J and K (the column lengths of the matrix)."""
        i, j, k = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])))


def is_sheared(matrix: NDArray[np.float64]) -> bool:
    """True when the voxel axes of a (4, 4) IJK-to-RAS matrix aren't at right angles, as after a tilted gantry."""
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR_TOLERANCE)
