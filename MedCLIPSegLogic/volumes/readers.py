"""Reading any accepted image into a ``Volume``."""

from __future__ import annotations

from pathlib import Path

from pydicom.misc import is_dicom

from ..errors import MedCLIPSegError
from .checks import checked
from .dicom import read_dicom_file, read_dicom_folder
from .medical import read_itk, read_nifti
from .pictures import read_picture
from .volume import Volume

READERS = {
    ".nii.gz": read_nifti,
    ".nii": read_nifti,
    ".nrrd": read_itk,
    ".nhdr": read_itk,
    ".mha": read_itk,
    ".mhd": read_itk,
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".bmp": read_picture,
    ".tif": read_picture,
    ".tiff": read_picture,
    ".dcm": read_dicom_file,
}
ACCEPTED = f"a folder of DICOM files, a DICOM file, or {', '.join(ending for ending in READERS if ending != '.dcm')}"


def read_volume(path: str | Path) -> Volume:
    """Read an image file or a folder with one DICOM series.

    Args:
        path: NIfTI, NRRD, MetaImage, picture or DICOM file (also without an extension), or a folder.

    Returns:
        The image, named after the file without its extension or after the folder. Stored scaling (NIfTI slope,
        DICOM rescale) is applied. Pictures get ``PICTURE_IJK_TO_RAS`` and ``spacing_known=False``.

    Raises:
        MedCLIPSegError: missing or damaged file, unknown type, several volumes or series, missing slices, no
            voxels, complex values, or a geometry that is singular.
    """
    path = Path(path)
    if not path.exists():
        raise MedCLIPSegError(f"{path} does not exist; check the name and the folder.")
    if path.is_dir():
        return checked(read_dicom_folder(path, path.resolve().name), path)
    ending = next((known for known in READERS if path.name.lower().endswith(known)), "")
    if ending:
        return checked(READERS[ending](path, path.name[: -len(ending)]), path)
    if _is_dicom(path):
        return checked(read_dicom_file(path, path.name), path)
    raise MedCLIPSegError(f"{path} is not of an accepted type; accepted are {ACCEPTED}.")


def _is_dicom(path: Path) -> bool:
    try:
        return is_dicom(path)
    except OSError as error:
        raise MedCLIPSegError(f"{path} could not be opened; check the permission to read it.") from error
