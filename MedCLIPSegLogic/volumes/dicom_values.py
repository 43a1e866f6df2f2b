"""Voxel values of one DICOM file.

SimpleITK (GDCM) decodes the voxels: it applies one rescale slope and intercept, turns MONOCHROME1 around and YBR into
RGB. Slopes that change from frame to frame, and lookup tables, it does not know.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from ..errors import MedCLIPSegError
from .dicom_header import DicomHeader
from .dicom_scan import damaged
from .dicom_tags import group, number, reading_tags
from .itk_images import image_voxels, read_image
from .quiet import quiet_libraries

RESCALED_BY_SEQUENCE = {
    uid.EnhancedCTImageStorage,
    uid.EnhancedMRImageStorage,
    uid.EnhancedPETImageStorage,
    uid.LegacyConvertedEnhancedCTImageStorage,
    uid.LegacyConvertedEnhancedMRImageStorage,
    uid.LegacyConvertedEnhancedPETImageStorage,
    uid.XRay3DAngiographicImageStorage,
    uid.XRay3DCraniofacialImageStorage,
    uid.BreastTomosynthesisImageStorage,
}
"""Kinds for which GDCM takes slope and intercept from the functional groups of the first frame."""
RESCALE_GROUP = "PixelValueTransformationSequence"
ROUNDING = 1e-3
"""Stored values are whole numbers; this much may be lost by taking a rescale back."""


def read_values(header: DicomHeader) -> tuple[sitk.Image, NDArray[np.generic]]:
    """Decode a file whose header has been checked.

    Returns:
        The image as SimpleITK reads it, and its voxels, (frames, rows, columns) or with a last axis of colors, in
        modality units.

    Raises:
        MedCLIPSegError: the pixels are damaged, or their values are defined in a way that is not supported.
    """
    with reading_tags(header.path):
        has_table = bool(header.tags.get("ModalityLUTSequence"))
        wanted = _rescales(header.tags)
        applied = _applied(header, wanted)
    if has_table:
        raise MedCLIPSegError(
            f"{header.path} defines its values by a table (Modality LUT), which is not supported; export it with a "
            "rescale slope and intercept."
        )
    with quiet_libraries():  # the JPEG libraries print past Python
        image = read_image(header.path)
    voxels = image_voxels(image, header.path)
    if voxels.shape[:3] != (header.frames, header.rows, header.columns):
        raise damaged(header.path)
    if voxels.ndim == 3 and any(rescale != applied for rescale in wanted):
        voxels = _rescaled(voxels, applied, wanted, header)
    return image, voxels


def _rescale(dataset: Dataset) -> tuple[float, float]:
    """Slope and intercept; GDCM takes a slope of 0 for 1."""
    return number(dataset, "RescaleSlope", 1) or 1.0, number(dataset, "RescaleIntercept", 0)


def _rescales(tags: Dataset) -> list[tuple[float, float]]:
    """Slope and intercept of every frame; empty if the file does not state them by frame.

    Raises:
        ValueError: it does for some frames only.
    """
    frames = tags.get("PerFrameFunctionalGroupsSequence") or ()
    try:
        return [_rescale(group(tags, frame, RESCALE_GROUP)) for frame in frames]
    except KeyError:
        if any(RESCALE_GROUP in frame for frame in frames):
            raise ValueError("frames without a rescale") from None
        return []


def _applied(header: DicomHeader, wanted: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and intercept that GDCM has applied to all frames."""
    if not wanted or header.kind not in RESCALED_BY_SEQUENCE:
        return _rescale(header.tags)
    try:
        return _rescale(group(header.tags, Dataset(), RESCALE_GROUP))
    except KeyError:
        return wanted[0]


def _rescaled(
    voxels: NDArray[np.generic],
    applied: tuple[float, float],
    wanted: list[tuple[float, float]],
    header: DicomHeader,
) -> NDArray[np.float64]:
    """Values by the slopes and intercepts of the frames, after taking back the one that was applied."""
    slope, intercept = applied
    exact = (voxels.astype(np.float64) - intercept) / slope
    stored = np.rint(exact)
    if len(wanted) != len(voxels) or np.abs(exact - stored).max() > ROUNDING:
        raise MedCLIPSegError(
            f"{header.path} changes its rescale slope from frame to frame in a way that is not supported; export its "
            "frames as single files."
        )
    slopes, intercepts = np.array(wanted).T[..., None, None]
    values: NDArray[np.float64] = stored * slopes + intercepts
    return values
