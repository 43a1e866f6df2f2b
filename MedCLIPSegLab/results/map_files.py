"""Writing maps on the voxel grid of an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.itk_images import quiet_itk, to_image
from MedCLIPSegLogic.volumes.volume import Volume


def write_map(volume_geometry: Volume, array: NDArray[np.float32] | NDArray[np.uint8], path: Path) -> None:
    """Write a map as compressed NRRD with the exact geometry of its image, oblique or sheared.

    Args:
        volume_geometry: the image on whose voxel grid the map lies.
        array: (K, J, I) float32 or uint8.
        path: file to write, ending in .nrrd, in an existing folder; replaced if present.

    Raises:
        ValueError: another shape, type or file ending.
        MedCLIPSegError: the file cannot be written.
    """
    if array.shape != volume_geometry.shape:
        raise ValueError(f"map of shape {array.shape} for an image of shape {volume_geometry.shape}")
    if array.dtype not in (np.float32, np.uint8):
        raise ValueError(f"map of type {array.dtype}")
    if path.suffix.lower() != ".nrrd":
        raise ValueError(f"map file {path.name} without the ending .nrrd")
    image = to_image(array, volume_geometry.ijk_to_ras)
    try:
        with quiet_itk():
            sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise MedCLIPSegError(
            f"{path} could not be written; check that its folder exists, may be written to and has free space."
        ) from error
