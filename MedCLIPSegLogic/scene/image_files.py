"""Voxels of the scene as image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..volumes.completeness import require_complete
from ..volumes.itk_images import quiet_itk, to_image
from ..volumes.shear import is_sheared
from .arrays import copy_voxels
from .geometry import ijk_to_ras
from .nodes import MapNode


def image_ending(path: Path) -> str:
    """Return ".nii.gz" or ".nrrd".

    Raises:
        MedCLIPSegError: the name ends in neither of them, or consists of nothing else.
    """
    for ending in (".nii.gz", ".nrrd"):
        if path.name.endswith(ending) and path.name != ending:
            return ending
    raise MedCLIPSegError(f"The file name “{path.name}” must end in .nii.gz or .nrrd.")


def save_map_volume(map_node: MapNode, path: Path) -> None:
    """Write a map as float32; parent transforms are left out.

    Raises:
        MedCLIPSegError: see `write_image`.
    """
    write_image(copy_voxels(map_node.GetImageData()), ijk_to_ras(map_node), path)


def write_image(voxels: NDArray[np.generic], matrix: NDArray[np.float64], path: Path) -> None:
    """Write scalar voxels (K, J, I) with an IJK-to-RAS matrix, compressed.

    Raises:
        MedCLIPSegError: another ending than .nii.gz or .nrrd, the file can't be written, or it is .nii.gz and the
            voxel axes aren't at right angles: such files can't be opened by all programs.
    """
    if image_ending(path) == ".nii.gz" and is_sheared(matrix):
        raise MedCLIPSegError(
            f"The file {path.name} can't hold this image because its slices are tilted; choose .nrrd instead."
        )
    try:
        with quiet_itk():
            sitk.WriteImage(to_image(voxels, matrix), str(path), useCompression=True)
        require_complete(path)
    except (OSError, RuntimeError) as error:
        raise MedCLIPSegError(f"The file {path} can't be written: check free space and permissions.") from error
