"""What every reader demands of voxels and geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from .volume import Volume

SMALLEST_DETERMINANT = 1e-6
"""Below this the unit vectors of the voxel axes lie in one plane."""


def several_volumes(path: Path) -> MedCLIPSegError:
    """The error for images with more than one time point or channel volume."""
    return MedCLIPSegError(
        f"{path} holds several volumes (for example time points); save the one to segment as its own file."
    )


def as_rgb(array: NDArray[np.generic], path: Path) -> NDArray[np.uint8]:
    """Colors as 8-bit R, G, B.

    Args:
        array: (..., 3) or (..., 4), uint8 or uint16 over the full range of the type; alpha is dropped.
        path: named in errors.

    Returns:
        (..., 3) uint8.

    Raises:
        MedCLIPSegError: another number of components or another type, e.g. a displacement field.
    """
    if array.shape[-1] not in (3, 4) or array.dtype not in (np.uint8, np.uint16):
        raise MedCLIPSegError(
            f"{path} holds {array.shape[-1]} numbers of type {array.dtype} for each voxel; "
            "save it as a grey image or with 8-bit red, green and blue."
        )
    colors = array[..., :3]
    if colors.dtype == np.uint16:
        return ((colors.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.ascontiguousarray(colors, dtype=np.uint8)


def checked(volume: Volume, path: Path) -> Volume:
    """Return the volume if it can be segmented.

    Raises:
        MedCLIPSegError: no voxels, values which are not real numbers, or a singular or non-finite matrix.
    """
    if volume.voxels.size == 0:
        raise MedCLIPSegError(f"{path} holds no voxels; export the image again.")
    if volume.voxels.dtype.kind not in "biuf":
        raise MedCLIPSegError(f"{path} holds complex or other non-real values; save its magnitude as a grey image.")
    if not _is_regular(volume.ijk_to_ras):
        raise MedCLIPSegError(
            f"{path} has no usable geometry because its voxel axes do not span space; correct its header."
        )
    return volume


def _is_regular(matrix: NDArray[np.float64]) -> bool:
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if not np.isfinite(matrix).all() or not (lengths > 0).all():
        return False
    return bool(abs(np.linalg.det(matrix[:3, :3] / lengths)) > SMALLEST_DETERMINANT)
