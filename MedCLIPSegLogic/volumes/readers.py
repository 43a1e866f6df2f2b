"""Reading any accepted image into a ``Volume``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.misc import is_dicom

from ..errors import MedCLIPSegError, quoted
from .dicom import read_dicom_file, read_dicom_folder
from .itk_files import read_itk
from .limits import check_is_file
from .nifti import read_nifti
from .pictures import read_picture
from .volume import Volume, is_regular

READERS = {
    **dict.fromkeys((".nii.gz", ".nii"), read_nifti),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd"), read_itk),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"), read_picture),
    ".dcm": read_dicom_file,
}
ACCEPTED = f"a folder of DICOM files, a DICOM file, or {', '.join(ending for ending in READERS if ending != '.dcm')}"


def read_volume(image: str | Path | Any, spacing: Sequence[float] | None = None) -> Volume:
    """Read an image file or a folder with one DICOM series, or take an image that is in memory.

    Args:
        image: NIfTI, NRRD, MetaImage, picture or DICOM file (also without an extension), or a folder; or a numpy array,
            a SimpleITK image or a nibabel image, see :mod:`in_memory`.
        spacing: of an array, mm along each of its axes in space, in their order; None where nobody measured it.

    Returns:
        The image, named after the file without its extension or after the folder. Stored scaling (NIfTI slope,
        DICOM rescale) is applied. Pictures get the geometry that ITK gives them and ``spacing_known=False``.

    Raises:
        MedCLIPSegError: missing or damaged file, unknown type, several volumes or series, missing slices, no
            voxels, complex values, or a geometry that is singular; a spacing that is none, or not of an array.
    """
    if spacing is not None and not isinstance(image, np.ndarray):
        name = image if isinstance(image, (str, Path)) else f"The {type(image).__name__}"
        raise MedCLIPSegError(f"{quoted(name)} has a spacing of its own; give one with numpy arrays only.")
    if not isinstance(image, (str, Path)):
        from .in_memory import take_image

        taken = take_image(image, spacing)
        return _checked(taken, f"The image “{quoted(taken.name)}”")
    path = Path(image)
    if not path.exists():
        raise MedCLIPSegError(f"{path} does not exist; check the name and the folder.")
    if path.is_dir():
        return _checked(read_dicom_folder(path, path.resolve().name), path)
    check_is_file(path)
    ending = next((known for known in READERS if path.name.lower().endswith(known)), "")
    if ending:
        return _checked(READERS[ending](path, path.name[: -len(ending)]), path)
    try:
        is_without_ending = is_dicom(path)
    except OSError as error:
        raise MedCLIPSegError(f"{path} could not be opened; check the permission to read it.") from error
    if is_without_ending:
        return _checked(read_dicom_file(path, path.name), path)
    raise MedCLIPSegError(f"{path} is not of an accepted type; accepted are {ACCEPTED}.")


def _checked(volume: Volume, path: Path | str) -> Volume:
    """The volume if it can be segmented.

    Raises:
        MedCLIPSegError: no voxels, values which are not real numbers, or a singular or non-finite matrix.
    """
    if volume.voxels.size == 0:
        raise MedCLIPSegError(f"{path} holds no voxels; export the image again.")
    if volume.voxels.dtype.kind not in "biuf":
        raise MedCLIPSegError(f"{path} holds complex or other non-real values; save its magnitude as a grey image.")
    if not is_regular(volume.ijk_to_ras):
        raise MedCLIPSegError(
            f"{path} has no usable geometry because its voxel axes do not span space; correct its header."
        )
    return volume
