"""The image as the engine sees it: voxels in KJI order and the exact IJK-to-RAS matrix."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PICTURE_IJK_TO_RAS: NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Geometry 3D Slicer gives to a plain picture that states no density: row 0 on top, 1 mm pixels."""

SHEAR_TOLERANCE = 1e-4
"""Largest product of two unit vectors along voxel axes that still counts as a right angle."""

SMALLEST_DETERMINANT = 1e-6
"""Below this the unit vectors of the voxel axes lie in one plane."""


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
        spacing_known: False for pictures, whose pixel size nobody measured: ``ijk_to_ras`` then only says where other
            programs put them, by a density meant for printers.
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
    def known_geometry(self) -> NDArray[np.float64]:
        """``ijk_to_ras`` as far as it was measured: of a picture rows and columns in pixels, as they are stored."""
        return self.ijk_to_ras if self.spacing_known else PICTURE_IJK_TO_RAS

    @property
    def pixel_area(self) -> float:
        """Area in mm² of a pixel of a single slice, across its thin axis."""
        first, second = np.delete(self.ijk_to_ras[:3, :3], 2 - self.shape.index(1), axis=1).T
        return float(np.linalg.norm(np.cross(first, second)))

    @property
    def content_hash(self) -> str:
        """SHA-256 of voxels with type and order, and known geometry; the same image in another format has the same."""
        digest = hashlib.sha256(f"{self.voxels.dtype.str} {self.voxels.shape}".encode())
        digest.update(np.ascontiguousarray(self.known_geometry, np.float64).tobytes())
        digest.update(np.ascontiguousarray(self.voxels).tobytes())
        return digest.hexdigest()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along I, J and K (the column lengths of the matrix)."""
        return _lengths(self.ijk_to_ras)

    @property
    def known_spacing(self) -> tuple[float, float, float]:
        """Voxel size along I, J and K in mm, or 1 (in pixels) where nobody measured it."""
        return _lengths(self.known_geometry)

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])))

    @property
    def voxel_measure(self) -> tuple[float, str]:
        """Size of one voxel and its unit: mm³, of a single slice mm²; 1 voxel or pixel where nobody measured it."""
        if not self.spacing_known:
            return 1.0, "pixels" if self.is_single_slice else "voxels"
        return (self.pixel_area, "mm²") if self.is_single_slice else (self.voxel_volume, "mm³")


def _lengths(matrix: NDArray[np.float64]) -> tuple[float, float, float]:
    i, j, k = np.linalg.norm(matrix[:3, :3], axis=0)
    return float(i), float(j), float(k)


def grid_corners(matrix: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """(4, 8) positions of the outermost voxels of a (K, J, I) grid with a (4, 4) IJK-to-RAS matrix."""
    k, j, i = shape
    corners = np.array([[x, y, z, 1] for x in (0, i - 1) for y in (0, j - 1) for z in (0, k - 1)], np.float64).T
    return matrix @ corners


def grid_distance(first: NDArray[np.float64], second: NDArray[np.float64], shape: tuple[int, int, int]) -> float:
    """Largest distance of equal corners of two (K, J, I) grids, in voxels of the first along one of its axes.

    Args:
        first, second: (4, 4) IJK-to-RAS matrices; the first is regular.
        shape: of both.
    """
    apart = grid_corners(second, shape) - grid_corners(first, shape)
    return float(np.abs(np.linalg.solve(first, apart)).max())


@np.errstate(all="ignore")
def is_regular(matrix: NDArray[np.float64]) -> bool:
    """True when a (4, 4) IJK-to-RAS matrix is finite and its voxel axes span space."""
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if not np.isfinite(matrix).all() or not (lengths > 0).all():
        return False
    return bool(abs(np.linalg.det(matrix[:3, :3] / lengths)) > SMALLEST_DETERMINANT)


def is_sheared(matrix: NDArray[np.float64]) -> bool:
    """True when the voxel axes of a (4, 4) IJK-to-RAS matrix aren't at right angles, as after a tilted gantry."""
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR_TOLERANCE)
