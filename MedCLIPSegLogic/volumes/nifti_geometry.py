"""Where a NIfTI header puts its voxels, by the rules of ITK 5.4, with which 3D Slicer reads such files."""

from __future__ import annotations

from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.quaternions import quat2mat
from numpy.typing import NDArray

from .itk_images import LPS_TO_RAS, quiet_itk
from .quiet import quiet_libraries
from .volume import grid_corners, grid_distance, is_regular

SPACE_BITS = 7
MM_OF_UNIT = {1: 1000.0, 3: 0.001}
"""By the space bits of ``xyzt_units``: metre and micron; all others count as mm."""
SCANNER = 1
HALF_TURN = 1e-7
"""Square of a quaternion's scalar part below which it is rounding: the turn is one by 180°."""
SIMILAR = 1e-4
ROUNDING = 1e-5
ROUNDING_VOXELS = 1e-3
"""Grids that differ by less are the same but for rounding; the matrix is then kept as the header states it."""
TOLERANCE_VOXELS = 0.1
"""Forms that differ by less do not contradict each other."""
FORM_FIELDS = (
    *("pixdim", "qform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("sform_code", "srow_x", "srow_y", "srow_z"),
)
PROBE_SHAPE = (2, 2, 2)
PROBE_OFFSET = 352

NO_FORM = (
    "The NIfTI header does not say where the image lies in the patient; as in 3D Slicer its place follows from the "
    "voxel sizes alone, so check which side is left."
)
CONTRADICTION = (
    "The NIfTI header states places for its voxels that lie up to {distance:.3g} mm apart; its {used} and voxel sizes "
    "are used as in 3D Slicer, but other programs may put the image elsewhere."
)

Matrix = NDArray[np.float64]


@np.errstate(all="ignore")
def nifti_geometry(header: nib.Nifti1Header, dimensions: int) -> tuple[Matrix, tuple[str, ...]]:
    """Read a geometry from a NIfTI header.

    Directions and origin are those of the sform or of the qform, whichever ITK prefers; voxel sizes are those of
    ``pixdim``. Without a form the axes run to the left, to the back and up from the origin. What ITK refuses (tilted
    slices without a qform, an upright plane of two dimensions) has the place of its form.

    Args:
        header: NIfTI-1 or NIfTI-2, as it is in the file.
        dimensions: 1 to 3; what the header says of further axes is left out.

    Returns:
        The (4, 4) IJK-to-RAS matrix in mm, singular or not finite if the header says nothing better; and a sentence if
        the header is silent or contradicts itself.
    """
    sizes = _clean(header["pixdim"][1:4])
    sizes[sizes == 0] = 1
    scale = MM_OF_UNIT.get(int(header["xyzt_units"]) & SPACE_BITS, 1.0)
    forms = _forms(header, np.where(sizes > 0, sizes, 1))
    if not forms:
        return _in_mm(_with_sizes(LPS_TO_RAS, sizes, dimensions), scale, dimensions), (NO_FORM,)
    used = "sform" if _prefers_sform(header, forms) else "qform"
    stated = {name: _flattened(form, dimensions) for name, form in forms.items()}
    if (used == "sform" and not _is_orthogonal(forms["sform"])) or not is_regular(stated[used]):
        return _in_mm(forms[used], scale), ()
    matrix = _with_sizes(stated[used], sizes, dimensions)
    k, j, i = (max(int(size), 2) for size in header["dim"][3:0:-1])
    apart = {name: grid_distance(matrix, form, (k, j, i)) for name, form in stated.items()}
    notes = []
    if max(apart.values()) > TOLERANCE_VOXELS:
        corners = [grid_corners(form, (k, j, i)) for form in (matrix, *stated.values())]
        distance = max(np.linalg.norm(corners[0] - other, axis=0).max() for other in corners[1:]) * scale
        notes = [CONTRADICTION.format(distance=distance, used=used)]
    exact = next((stated[name] for name in ("sform", "qform") if apart.get(name, np.inf) <= ROUNDING_VOXELS), matrix)
    return _in_mm(exact, scale, dimensions), tuple(notes)


def _forms(header: nib.Nifti1Header, sizes: NDArray[np.float64]) -> dict[str, Matrix]:
    """The (4, 4) matrices that the header states, in its unit; a sform without numbers only where there is no qform."""
    forms = {}
    if int(header["qform_code"]) > 0:
        forms["qform"] = _qform(header, sizes)
    sform = header.get_sform()
    if int(header["sform_code"]) > 0 and (np.isfinite(sform).all() or not forms):
        forms["sform"] = sform
    return forms


def _qform(header: nib.Nifti1Header, sizes: NDArray[np.float64]) -> Matrix:
    vector = _clean([header["quatern_b"], header["quatern_c"], header["quatern_d"]]).astype(np.longdouble)
    scalar = 1 - vector @ vector
    # A vector that rounding made too long is shortened by the conversion.
    turn = quat2mat(np.r_[np.sqrt(scalar) if scalar >= HALF_TURN else 0, vector])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag(sizes * (1, 1, -1 if header["pixdim"][0] < 0 else 1))
    matrix[:3, 3] = _clean([header["qoffset_x"], header["qoffset_y"], header["qoffset_z"]])
    return matrix


def _prefers_sform(header: nib.Nifti1Header, forms: dict[str, Matrix]) -> bool:
    """ITK's choice: the sform if it is alone or the scanner's own, or says in other digits what the qform says."""
    if len(forms) == 1:
        return "sform" in forms
    sform, qform = forms["sform"], forms["qform"]
    if not _is_orthogonal(sform):
        return False
    if int(header["sform_code"]) == SCANNER:
        return True
    if np.abs(sform - qform).max() <= ROUNDING:
        return True
    lengths, others = (np.sort(np.linalg.norm(form[:3, :3], axis=0)) for form in (sform, qform))
    is_similar = max(np.abs(lengths - others).max(), np.abs(sform[:3, 3] - qform[:3, 3]).max()) <= SIMILAR
    return bool(is_similar and _itk_prefers_sform(header, sform, qform))


def _itk_prefers_sform(header: nib.Nifti1Header, sform: Matrix, qform: Matrix) -> bool:
    """ITK's choice between two forms of one size and origin: it hangs on signs within a decomposition, so ask ITK."""
    probe = nib.Nifti1Header.from_header(nib.Nifti1Header(), check=False)
    for field in FORM_FIELDS:
        probe[field] = header[field]
    probe.set_data_dtype(np.uint8)
    probe["dim"], probe["vox_offset"], probe["magic"] = (3, *PROBE_SHAPE, 1, 1, 1, 1), PROBE_OFFSET, b"n+1"
    reader = sitk.ImageFileReader()
    try:
        with TemporaryDirectory() as folder, quiet_itk(), quiet_libraries():
            path = Path(folder) / "probe.nii"
            path.write_bytes(probe.binaryblock.ljust(PROBE_OFFSET, b"\0") + bytes(prod(PROBE_SHAPE)))
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
    except (OSError, RuntimeError):
        return False
    chosen = LPS_TO_RAS[:3, :3] @ np.reshape(reader.GetDirection(), (3, 3))
    apart = [np.abs(_axes(form) - chosen).max() for form in (sform, qform)]
    return bool(apart[0] < apart[1])


def _axes(matrix: Matrix) -> Matrix:
    """(3, 3) unit vectors along I, J and K."""
    axes: Matrix = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return axes


def _is_orthogonal(matrix: Matrix) -> bool:
    if not is_regular(matrix):
        return False
    axes = _axes(matrix)
    return bool(np.abs(axes @ axes.T - np.eye(3)).max() <= SIMILAR)


def _flattened(form: Matrix, dimensions: int) -> Matrix:
    """What ITK keeps of a form: of a two-dimensional image rows and columns within their own plane."""
    matrix = LPS_TO_RAS.copy()
    matrix[:dimensions, :dimensions] = form[:dimensions, :dimensions]
    matrix[:dimensions, 3] = form[:dimensions, 3]
    return form if dimensions == 3 else matrix


def _with_sizes(matrix: Matrix, sizes: NDArray[np.float64], dimensions: int) -> Matrix:
    """The matrix with other lengths of its axes; a negative one turns its axis round, as it does in ITK."""
    result = matrix.copy()
    axes = matrix[:3, :dimensions]
    result[:3, :dimensions] = axes / np.linalg.norm(axes, axis=0) * sizes[:dimensions]
    return result


def _in_mm(matrix: Matrix, scale: float, dimensions: int = 3) -> Matrix:
    """The matrix in mm; of fewer than three dimensions the rest is already."""
    result = matrix.copy()
    result[:dimensions, :dimensions] *= scale
    result[:dimensions, 3] *= scale
    return result


def _clean(numbers: object) -> NDArray[np.float64]:
    return np.nan_to_num(np.array(numbers, np.float64), nan=0, posinf=0, neginf=0)
