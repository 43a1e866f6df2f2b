"""NIfTI files whose headers say what a test wants, fit or unfit."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.quaternions import mat2quat
from numpy.typing import NDArray

SIZES = (0.8, 0.9, 2.5)
SHAPE = (4, 5, 6)
ORIGIN = (10.0, -20.0, 30.0)
TURNS = {
    "ras": np.eye(3),
    "las": np.diag([-1.0, 1.0, 1.0]),
    "lps": np.diag([-1.0, -1.0, 1.0]),
    "sagittal": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "coronal": np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "oblique": np.array([[0.36, -0.8, 0.48], [0.48, 0.6, 0.64], [-0.8, 0.0, 0.6]]),
}


def form(turn: str, origin: tuple[float, ...] = ORIGIN, sizes: tuple[float, ...] = SIZES) -> NDArray[np.float64]:
    """(4, 4) matrix of a form."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = TURNS[turn] * sizes, origin
    return matrix


def qform(turn: str, code: int = 1) -> dict[str, Any]:
    """Fields of a qform."""
    axes, handedness = TURNS[turn].copy(), float(np.sign(np.linalg.det(TURNS[turn])))
    axes[:, 2] *= handedness
    names = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")
    return {"qform_code": code, "qfac": handedness, **dict(zip(names, (*mat2quat(axes)[1:], *ORIGIN), strict=True))}


def sform(matrix: NDArray[np.float64], code: int = 1) -> dict[str, Any]:
    """Fields of a sform."""
    return {"sform_code": code, **{f"srow_{name}": row for name, row in zip("xyz", matrix, strict=False)}}


def write_header(
    path: Path,
    shape: tuple[int, ...] = SHAPE,
    sizes: tuple[float, ...] = SIZES,
    qfac: float = 1.0,
    dtype: str = "<i2",
    packed: bool = False,
    kind: type[nib.Nifti1Header] = nib.Nifti1Header,
    **fields: Any,
) -> Path:
    """Write a file with voxels 0, 1, 2… and the fields of its header as they are given."""
    header = kind(endianness=dtype[0], check=False)
    header.set_data_dtype(np.dtype(dtype))
    header["dim"][: len(shape) + 1] = (len(shape), *shape)
    header["dim"][len(shape) + 1 :] = 1
    header["pixdim"][:4] = (qfac, *sizes)
    header["vox_offset"] = kind.sizeof_hdr + 4
    header["magic"] = kind.single_magic
    header["xyzt_units"], header["scl_slope"], header["scl_inter"] = 2, 1, 0
    for name, value in fields.items():
        header[name] = value
    content = header.binaryblock + bytes(4) + np.arange(np.prod(shape), dtype=dtype).tobytes()
    path.write_bytes(gzip.compress(content) if packed else content)
    return path
