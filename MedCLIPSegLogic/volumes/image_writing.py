"""Writing images, maps and label maps in medical formats."""

from __future__ import annotations

import errno
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..named_files import unicode_name
from .itk_images import quiet_itk, to_image
from .volume import is_sheared

BLOCK_BYTES = 1 << 20


def require_complete(path: Path) -> None:
    """Make sure that the compressed voxels of a file end as they must: some writers don't notice a full disk.

    Args:
        path: file ending in ``.nii.gz`` or ``.nrrd``; uncompressed NRRD files aren't looked at.

    Raises:
        OSError: the file is cut off or damaged.
    """
    with path.open("rb") as file:
        if path.name.endswith(".nrrd") and not _is_header_of_gzip(file):
            return
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            while not stream.eof and (block := file.read(BLOCK_BYTES)):
                stream.decompress(block)
        except zlib.error:
            pass
    if not stream.eof:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _is_header_of_gzip(file: BinaryIO) -> bool:
    """Read a NRRD header up to its voxels; True when they are compressed, or when the header is cut off."""
    is_compressed = False
    for line in file:
        is_compressed = is_compressed or line.strip().lower() in (b"encoding: gzip", b"encoding: gz")
        if not line.strip():
            return is_compressed
    return True


def image_ending(path: Path) -> str:
    """Return ".nii.gz" or ".nrrd".

    Raises:
        MedCLIPSegError: the name ends in neither of them, or consists of nothing else.
    """
    for ending in (".nii.gz", ".nrrd"):
        if path.name.endswith(ending) and path.name != ending:
            return ending
    raise MedCLIPSegError(f"The file name “{path.name}” must end in .nii.gz or .nrrd.")


def write_image(voxels: NDArray[np.generic], matrix: NDArray[np.float64], path: Path) -> None:
    """Write scalar voxels (K, J, I) with their (4, 4) IJK-to-RAS matrix, compressed; a file of that name is replaced.

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
            sitk.WriteImage(to_image(voxels, matrix), unicode_name(path), useCompression=True)
        require_complete(path)
    except (OSError, RuntimeError) as error:
        raise MedCLIPSegError(
            f"{path} could not be written; check that its folder exists, may be written to and has free space."
        ) from error
