"""NIfTI files."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from math import isfinite, prod
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling, array_from_file
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from .itk_images import as_rgb, several_volumes
from .limits import check_claim
from .nifti_geometry import nifti_geometry
from .volume import Volume

GZIP_MAGIC = b"\x1f\x8b"
HEADERS = (nib.Nifti1Header, nib.Nifti2Header)
HEADER_BYTES = 540
"""Enough for both kinds."""
MOST_BYTES_BEFORE_VOXELS = 1 << 26
"""Extensions of a header are texts."""
VECTORS = 1007
"""Intent of images with several numbers a voxel, which lie along the fifth axis."""
SCALED_BYTES = 8
UNREADABLE = (
    HeaderDataError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    OSError,
    EOFError,
    MemoryError,
    zlib.error,
)


def read_nifti(path: Path, name: str) -> Volume:
    """Read .nii or .nii.gz, compressed or not whatever its name says; see ``nifti_geometry``.

    Returns:
        Stored values, or float64 where the header has a slope or an intercept; one of these that is no number, and a
        slope of 0, do not count.

    Raises:
        MedCLIPSegError: damaged file, one that claims more than it can hold or than fits into memory, or several
            volumes.
    """
    try:
        with _opened(path) as file:
            return _read(file, path, name)
    except UNREADABLE as error:
        raise MedCLIPSegError(
            f"{path} could not be read as NIfTI; it may be damaged or incomplete, so copy or export it again."
        ) from error


def nifti_notes(path: Path) -> tuple[str, ...]:
    """What ``read_nifti`` notes on a file, from its header alone; nothing of a file that it can't read."""
    try:
        with _opened(path) as file:
            header = _header(file)
            return nifti_geometry(header, _dimensions(header))[1]
    except UNREADABLE:
        return ()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if is_packed else file


def _header(file: BufferedIOBase) -> nib.Nifti1Header:
    """The header as it is in the file."""
    block = file.read(HEADER_BYTES)
    for kind in HEADERS:
        if kind.may_contain_header(block[: kind.sizeof_hdr]):
            header = kind(block[: kind.sizeof_hdr], check=False)
            if 1 <= header["dim"][0] <= 7:
                return header
    raise ValueError("no header of NIfTI")


def _dimensions(header: nib.Nifti1Header) -> int:
    """Number of axes in space, as ITK counts them."""
    if int(header["intent_code"]) == VECTORS:
        return max((axis for axis in (1, 2, 3) if header["dim"][axis] > 1), default=1)
    return min(int(header["dim"][0]), 3)


def _read(file: BufferedIOBase, path: Path, name: str) -> Volume:
    header = _header(file)
    shape = header.get_data_shape()
    _check_shape(header, shape, path)
    dtype, offset = header.get_data_dtype(), max(int(np.nan_to_num(header["vox_offset"])), header.sizeof_hdr)
    if offset > MOST_BYTES_BEFORE_VOXELS:
        raise ValueError("voxels begin too late")
    is_packed, stored = isinstance(file, gzip.GzipFile), path.stat().st_size
    slope, intercept = _scaling(header)
    count, in_memory = prod(shape), dtype.itemsize if (slope, intercept) == (1, 0) else SCALED_BYTES
    check_claim(path, count, dtype.itemsize, stored if is_packed else stored - offset, is_packed)
    check_claim(path, count, in_memory)
    values = array_from_file(shape, dtype, file, offset, mmap=False)
    if dtype.names is None:
        values = apply_read_scaling(values, np.float64(slope), np.float64(intercept))
    return _made(header, values.reshape(shape, order="F"), path, name)


def nifti_in_memory(header: nib.Nifti1Header, values: NDArray[np.generic], name: str) -> Volume:
    """The same volume as of the file, of a header and its values.

    Args:
        header: of NIfTI-1 or NIfTI-2.
        values: (I, J, K), further axes of one voxel, or for vectors (I, J, K, 1, 3); stored scaling is applied.
        name: of the volume, named in errors.

    Raises:
        MedCLIPSegError: several volumes, or no voxels.
    """
    _check_shape(header, values.shape, name)
    return _made(header, values, name, name)


def _check_shape(header: nib.Nifti1Header, shape: tuple[int, ...], where: Path | str) -> None:
    if min(shape, default=0) < 1:
        raise MedCLIPSegError(f"{where} holds no voxels; export the image again.")
    if any(size > 1 for size in (shape[3:4] if _is_vector(header, shape) else shape[3:])):
        raise several_volumes(where)


def _is_vector(header: nib.Nifti1Header, shape: tuple[int, ...]) -> bool:
    return int(header["intent_code"]) == VECTORS and len(shape) == 5


def _made(header: nib.Nifti1Header, values: NDArray[np.generic], where: Path | str, name: str) -> Volume:
    grid = (*values.shape[:3], 1, 1)[:3]
    is_vector = _is_vector(header, values.shape)
    voxels = _plain(values.reshape(*grid, -1, order="F") if is_vector else values.reshape(grid, order="F"), where)
    matrix, notes = nifti_geometry(header, _dimensions(header))
    return Volume(voxels, matrix, name, notes=notes)


def _scaling(header: nib.Nifti1Header) -> tuple[float, float]:
    """Slope and intercept, 1 and 0 where the header states none or no number."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    return (slope if isfinite(slope) and slope else 1.0), (intercept if isfinite(intercept) else 0.0)


def _plain(values: NDArray[np.generic], path: Path | str) -> NDArray[np.generic]:
    """(I, J, K) values as (K, J, I) in the byte order of this machine, colors (records or a last axis) at the end."""
    voxels = np.ascontiguousarray(values.swapaxes(0, 2))
    if voxels.dtype.names:
        return as_rgb(voxels.view(np.uint8).reshape(*voxels.shape, -1), path)
    voxels = voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
    return as_rgb(voxels, path) if voxels.ndim == 4 else voxels
