"""Ground-truth masks as voxels of their image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..volumes.readers import read_volume
from ..volumes.volume import Volume

BINARY_THRESHOLD = 127


def read_truth(path: Path, label_values: tuple[int, ...], image: Volume) -> NDArray[np.bool_]:
    """Read the mask that belongs to an image.

    Args:
        path: picture or label map.
        label_values: labels that are inside; empty means values above 127.
        image: the image, whose grid the mask must have.

    Returns:
        (K, J, I) bool.

    Raises:
        MedCLIPSegError: unreadable, or not on the image's grid.
    """
    volume = read_volume(path)
    voxels = volume.voxels.max(axis=3) if volume.is_color else volume.voxels
    if voxels.shape != image.shape:
        raise MedCLIPSegError(
            f"The mask {path} has {_size(volume)} voxels, but its image {image.name} has {_size(image)}."
        )
    return np.isin(voxels, label_values) if label_values else np.greater(voxels, BINARY_THRESHOLD)


def _size(volume: Volume) -> str:
    return " x ".join(str(n) for n in reversed(volume.shape))
