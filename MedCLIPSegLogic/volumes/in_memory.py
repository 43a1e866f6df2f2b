"""Images that are in memory already: arrays, and images of SimpleITK and nibabel."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from ..errors import MedCLIPSegError, quoted
from .itk_images import as_rgb, image_matrix, image_voxels, several_volumes
from .nifti import UNREADABLE, nifti_in_memory
from .volume import PICTURE_IJK_TO_RAS, Volume

NAME = "image"
COLORS = (3, 4)
"""An array whose last axis is as long, beyond two others, is of colors."""


def take_image(image: Any, spacing: Sequence[float] | None = None) -> Volume:
    """A copy of an image in memory.

    Args:
        image: array (rows, columns) or (slices, rows, columns), with a last axis of 3 or 4 for colors of 8 or 16 bits;
            or a SimpleITK image; or a nibabel image.
        spacing: of an array, mm along each of its axes in space, in their order; None where nobody measured it.

    Returns:
        Of an array the image as SimpleITK takes it: columns run to the left, rows to the back and slices up; the first
        voxel is the origin. Other images lie where they say, those of NIfTI where ITK puts their file. A SimpleITK
        image in two dimensions with pixels of 1 mm (what ITK says where nobody measured) or in color, at the origin,
        counts as a picture.

    Raises:
        MedCLIPSegError: anything else, several volumes, components that are no colors, or a spacing that is none.
    """
    if isinstance(image, np.ndarray):
        return _array(image, spacing)
    if not isinstance(image, (sitk.Image, nib.spatialimages.SpatialImage)):
        raise MedCLIPSegError(
            f"An object of type {quoted(type(image).__name__)} is no image; give a file or folder, a numpy array, a "
            "SimpleITK image or a nibabel image."
        )
    return _itk(image) if isinstance(image, sitk.Image) else _nibabel(image)


def _array(array: NDArray[np.generic], spacing: Sequence[float] | None) -> Volume:
    is_color = array.ndim > 2 and array.shape[-1] in COLORS
    axes = array.ndim - is_color
    if axes not in (2, 3):
        raise MedCLIPSegError(
            f"The array has {array.ndim} axes; give (rows, columns) or (slices, rows, columns), with a last axis of 3 "
            "or 4 for colors."
        )
    voxels = as_rgb(array, "The array") if is_color else array
    voxels = np.array(voxels, voxels.dtype.newbyteorder("="), order="C")
    matrix = PICTURE_IJK_TO_RAS
    if spacing is not None:
        matrix = matrix @ np.diag([*reversed(_sizes(spacing, axes)), *([1.0] * (4 - axes))])
    return Volume(voxels if axes == 3 else voxels[None], matrix, NAME, spacing_known=spacing is not None)


def _sizes(spacing: Sequence[float], axes: int) -> list[float]:
    try:
        sizes = [float(size) for size in spacing]
    except (TypeError, ValueError):
        sizes = []
    if len(sizes) != axes or not all(isfinite(size) and size > 0 for size in sizes):
        raise MedCLIPSegError(
            f"The spacing is {quoted(spacing)}; it must be {axes} numbers above 0, mm along the axes of the array."
        )
    return sizes


def _itk(image: sitk.Image) -> Volume:
    if image.GetDimension() < 2 or not image.GetNumberOfPixels():
        raise MedCLIPSegError("The SimpleITK image holds no voxels; give an image of two or three dimensions.")
    voxels = image_voxels(image, "The SimpleITK image")
    is_default = set(image.GetSpacing()) == {1.0} or voxels.ndim == 4
    is_picture = image.GetDimension() == 2 and is_default and not any(image.GetOrigin())
    return Volume(voxels, image_matrix(image), NAME, spacing_known=not is_picture)


def _nibabel(image: nib.spatialimages.SpatialImage) -> Volume:
    file = image.get_filename()
    name = Path(file).name.removesuffix(".gz").rpartition(".")[0] if file else ""
    try:
        values = np.array(image.dataobj)
    except (*UNREADABLE, ImageFileError) as error:
        raise MedCLIPSegError(f"The voxels of {quoted(file)} cannot be read; copy or export the file again.") from error
    if isinstance(image.header, nib.Nifti1Header):
        return nifti_in_memory(image.header, values, name or NAME)
    if any(size > 1 for size in values.shape[3:]):
        raise several_volumes(name or NAME)
    voxels = values.reshape((*values.shape[:3], 1, 1)[:3]).swapaxes(0, 2)
    return Volume(np.array(voxels, voxels.dtype.newbyteorder("="), order="C"), image.affine, name or NAME)
