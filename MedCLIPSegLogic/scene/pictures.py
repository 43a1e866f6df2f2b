"""Which images of a scene are pictures, whose pixel size nobody measured."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from .geometry import ijk_to_ras, voxel_counts
from .nodes import VolumeNode

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
GEOMETRY_ATTRIBUTE = "MedCLIPSeg.PictureGeometry"
"""IJK-to-RAS matrix that a picture came with; saved with the scene, where its file is another one."""
DICOM_ATTRIBUTE = "DICOM.instanceUIDs"
PLACE_TOLERANCE = 1e-6


def is_picture(volume_node: VolumeNode) -> bool:
    """True for an image whose pixel size nobody measured, whatever density its file states for printers.

    That is one which was remembered as a picture, or read from a picture file, and wasn't given another geometry
    since; and a single slice that lies as pictures do in color, or with pixels of 1 mm.

    Raises:
        MedCLIPSegError: no voxels.
    """
    matrix = ijk_to_ras(volume_node)
    remembered = _numbers(volume_node.GetAttribute(GEOMETRY_ATTRIBUTE))
    if remembered.size == matrix.size:
        return np.allclose(remembered.reshape(4, 4), matrix, rtol=PLACE_TOLERANCE, atol=PLACE_TOLERANCE)
    across, down = -matrix[0, 0], -matrix[1, 1]
    if (
        across <= 0
        or down <= 0
        or not np.allclose(matrix, np.diag([-across, -down, 1, 1]), rtol=0, atol=PLACE_TOLERANCE)
    ):
        return False
    if _is_from_picture_file(volume_node):
        return True
    is_color = volume_node.GetImageData() is not None and volume_node.GetImageData().GetNumberOfScalarComponents() > 1
    is_color = is_color and not volume_node.GetAttribute(DICOM_ATTRIBUTE)
    return voxel_counts(volume_node)[0] == 1 and (is_color or bool(across == down == 1))


def remember_picture(volume_node: VolumeNode) -> None:
    """Note on the node that its present geometry is that of a picture; it then stays one in a saved scene."""
    if not volume_node.GetAttribute(GEOMETRY_ATTRIBUTE):
        volume_node.SetAttribute(GEOMETRY_ATTRIBUTE, " ".join(repr(float(n)) for n in ijk_to_ras(volume_node).ravel()))


def _is_from_picture_file(volume_node: VolumeNode) -> bool:
    storage = volume_node.GetStorageNode()
    name = (storage.GetFileName() or "") if storage is not None else ""
    return PurePath(name).suffix.lower() in PICTURE_ENDINGS


def _numbers(text: str | None) -> NDArray[np.float64]:
    """The numbers of an attribute; none when another program damaged it."""
    try:
        return np.array((text or "").split(), np.float64)
    except ValueError:
        return np.empty(0)
