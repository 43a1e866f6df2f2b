"""Exchange of voxels and geometry between SimpleITK images and KJI arrays with IJK-to-RAS matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..named_files import unicode_name

LPS_TO_RAS: NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0])


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK's warnings off the terminal while the block runs."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def read_image(path: Path) -> sitk.Image:
    """Read one file with SimpleITK.

    Raises:
        MedCLIPSegError: the file is damaged or is not an image.
    """
    try:
        with quiet_itk():
            return sitk.ReadImage(unicode_name(path))
    except RuntimeError as error:
        raise unreadable(path) from error


def unreadable(path: Path) -> MedCLIPSegError:
    """The error for a file that is damaged or of another type."""
    return MedCLIPSegError(
        f"{path} could not be read as an image; it may be damaged, incomplete or of another type, "
        "so copy or export it again."
    )


def image_voxels(image: sitk.Image, path: Path | str) -> NDArray[np.generic]:
    """Voxels of a SimpleITK image.

    Args:
        image: two- or three-dimensional; further dimensions must hold one element.
        path: named in errors.

    Returns:
        (K, J, I) scalars, or (K, J, I, 3) uint8 for images with 3 or 4 components.

    Raises:
        MedCLIPSegError: several time points, or components which are not colors.
    """
    array = sitk.GetArrayFromImage(image)
    components = image.GetNumberOfComponentsPerPixel()
    grid = array.shape[:-1] if components > 1 else array.shape
    if len(grid) == 2:
        grid = (1, *grid)
    if any(size > 1 for size in grid[:-3]):
        raise several_volumes(path)
    if components > 1:
        return as_rgb(array.reshape(*grid[-3:], components), path)
    return array.reshape(grid[-3:])


def image_matrix(image: sitk.Image) -> NDArray[np.float64]:
    """IJK-to-RAS matrix, (4, 4) in mm, of a SimpleITK image with two or more dimensions."""
    size = image.GetDimension()
    used = min(size, 3)
    lps = np.eye(4)
    direction = np.reshape(image.GetDirection(), (size, size))[:used, :used]
    lps[:used, :used] = direction * np.asarray(image.GetSpacing()[:used])
    lps[:used, 3] = image.GetOrigin()[:used]
    return LPS_TO_RAS @ lps


def to_image(voxels: NDArray[np.generic], ijk_to_ras: NDArray[np.float64]) -> sitk.Image:
    """SimpleITK image of a scalar (K, J, I) array with the geometry of a (4, 4) IJK-to-RAS matrix."""
    lps = LPS_TO_RAS @ ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image


def several_volumes(path: Path | str) -> MedCLIPSegError:
    """The error for images with more than one time point or channel volume."""
    return MedCLIPSegError(
        f"{path} holds several volumes (for example time points); save the one to segment as its own file."
    )


def as_rgb(array: NDArray[np.generic], path: Path | str) -> NDArray[np.uint8]:
    """Colors as 8-bit R, G, B.

    Args:
        array: (..., 3) or (..., 4), uint8 or uint16 over the full range of the type; colors of alpha 0 become black.
        path: named in errors.

    Returns:
        (..., 3) uint8.

    Raises:
        MedCLIPSegError: another number of components or another type, e.g. a displacement field.
    """
    if array.shape[-1] not in (3, 4) or array.dtype not in (np.uint8, np.uint16):
        raise MedCLIPSegError(
            f"{path} holds {array.shape[-1]} numbers of type {array.dtype} for each voxel; "
            "save it as a grey image or with 8-bit red, green and blue."
        )
    colors = array[..., :3] if array.shape[-1] == 3 else np.where(array[..., 3:] == 0, 0, array[..., :3])
    if colors.dtype == np.uint16:
        return ((colors.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.ascontiguousarray(colors, dtype=np.uint8)
