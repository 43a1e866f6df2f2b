"""Ground-truth masks as voxels of their image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume, grid_distance

BINARY_THRESHOLD = 127
GRID_TOLERANCE = 0.1
"""Voxels by which a mask's grid may be off: headers are rounded."""


def read_truth(path: Path, label_values: tuple[int, ...], image: Volume) -> NDArray[np.bool_]:
    """Read the mask that belongs to an image.

    Args:
        path: picture or label map.
        label_values: labels that are inside; empty means values above 127.
        image: the image, whose grid the mask must have.

    Returns:
        (K, J, I) bool.

    Raises:
        MedCLIPSegError: unreadable, not on the image's grid, in color, or without label values and not 0 and 255.
    """
    volume = read_volume(path)
    voxels = _gray(volume, path)
    if voxels.shape != image.shape:
        raise MedCLIPSegError(
            f"The mask {path} has {_size(volume)} voxels, but its image {image.name} has {_size(image)}."
        )
    is_measured = image.spacing_known and volume.spacing_known
    if is_measured and grid_distance(image.ijk_to_ras, volume.ijk_to_ras, image.shape) > GRID_TOLERANCE:
        raise MedCLIPSegError(
            f"The mask {path} lies elsewhere in space than its image {image.name}; resample it to the image's grid."
        )
    if label_values:
        return np.isin(voxels, label_values)
    if 0 < voxels.max() <= BINARY_THRESHOLD:
        raise MedCLIPSegError(
            f"The mask {path} holds no value above {BINARY_THRESHOLD}; store the inside as 255 or give 'Label Values'."
        )
    return np.greater(voxels, BINARY_THRESHOLD)


def _gray(volume: Volume, path: Path) -> NDArray[Any]:
    if not volume.is_color:
        return volume.voxels
    red = volume.voxels[..., 0]
    if not (volume.voxels == red[..., None]).all():
        raise MedCLIPSegError(f"The mask {path} is a color or palette picture; store it as grey values.")
    return red


def _size(volume: Volume) -> str:
    return " x ".join(str(n) for n in reversed(volume.shape))
