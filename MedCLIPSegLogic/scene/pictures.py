"""Which images of a scene are pictures, whose pixel size nobody measured."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from .geometry import ijk_to_ras, voxel_counts
from .nodes import VolumeNode

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
SPACING_ATTRIBUTE = "MedCLIPSeg.PictureSpacing"
"""Spacing that a picture came with; saved with the scene, where its file is another one."""
DICOM_ATTRIBUTE = "DICOM.instanceUIDs"
TOLERANCE = 1e-6


def is_picture(volume_node: VolumeNode) -> bool:
    """True for an image whose pixel size nobody measured, whatever density its file states for printers.

    That is one which was remembered as a picture or is of a picture file, and wasn't given another spacing since; and
    a single slice that lies as pictures do, in color or with pixels of 1 mm.

    Raises:
        MedCLIPSegError: no voxels.
    """
    matrix = ijk_to_ras(volume_node)
    sizes = np.linalg.norm(matrix[:3, :3], axis=0)
    remembered = _numbers(volume_node.GetAttribute(SPACING_ATTRIBUTE))
    if remembered.size == sizes.size:
        return np.allclose(remembered, sizes, rtol=TOLERANCE, atol=0)
    if not np.allclose(matrix[:3, :3], np.diag([-sizes[0], -sizes[1], 1]), rtol=0, atol=TOLERANCE):
        return False
    if _is_of_picture_file(volume_node):
        return True
    if voxel_counts(volume_node)[0] > 1 or matrix[:3, 3].any():
        return False
    is_color = volume_node.GetImageData().GetNumberOfScalarComponents() > 1
    return bool((sizes == 1).all()) or (is_color and not volume_node.GetAttribute(DICOM_ATTRIBUTE))


def remember_picture(volume_node: VolumeNode) -> None:
    """Note on the node that its present spacing is that of a picture; it then stays one in a saved scene."""
    if not volume_node.GetAttribute(SPACING_ATTRIBUTE):
        volume_node.SetAttribute(SPACING_ATTRIBUTE, " ".join(repr(float(size)) for size in volume_node.GetSpacing()))


def _is_of_picture_file(volume_node: VolumeNode) -> bool:
    storage = volume_node.GetStorageNode()
    name = (storage.GetFileName() or "") if storage is not None else ""
    return PurePath(name).suffix.lower() in PICTURE_ENDINGS


def _numbers(text: str | None) -> NDArray[np.float64]:
    """The numbers of an attribute; none when another program damaged it."""
    try:
        return np.array((text or "").split(), np.float64)
    except ValueError:
        return np.empty(0)
