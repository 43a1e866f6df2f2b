"""NIfTI files."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, SpatialImage
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from .itk_images import as_rgb, several_volumes
from .volume import Volume


def read_nifti(path: Path, name: str) -> Volume:
    """Read .nii or .nii.gz; scaled values, and the file's affine as IJK-to-RAS matrix.

    Raises:
        MedCLIPSegError: unreadable file or several time points.
    """
    try:
        image = cast(SpatialImage, nib.load(path, mmap=False))
        values = np.asanyarray(image.dataobj)
        matrix = np.array(image.affine, dtype=np.float64)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, MemoryError, zlib.error) as error:
        raise MedCLIPSegError(
            f"{path} could not be read as NIfTI; it may be damaged or incomplete, so copy or export it again."
        ) from error
    if any(size > 1 for size in values.shape[3:]):
        raise several_volumes(path)
    shape = (*values.shape[:3], 1, 1)[:3]
    voxels = np.ascontiguousarray(values.reshape(shape).transpose(2, 1, 0))
    return Volume(_plain(voxels, path), matrix, name)


def _plain(voxels: NDArray[np.generic], path: Path) -> NDArray[np.generic]:
    """Color records (R, G, B[, A]) as a last axis, numbers in the byte order of this machine."""
    if voxels.dtype.names:
        return as_rgb(voxels.view(np.uint8).reshape(*voxels.shape, -1), path)
    return voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
