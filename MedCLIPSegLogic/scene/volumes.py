"""Volumes into the scene and out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..volumes.planes import Plane, SliceAxis, choose_axis
from ..volumes.volume import Volume
from .arrays import copy_voxels, take_voxels
from .geometry import ijk_to_ras, voxel_counts, vtk_matrix
from .map_volumes import map_role
from .nodes import Scene, VolumeNode, node_name, nodes_of_class
from .pictures import is_picture, remember_picture


def add_volume_node(scene: Scene, volume: Volume) -> VolumeNode:
    """Add a volume, with its display, to a scene.

    The node has a copy of the voxels, and a name without what scene files can't hold. Types that scene files can't hold
    are widened: bool to uint8, int8 to int16, float16 to float32, 64-bit integers to int32 when all values fit, else to
    float64 (exact up to ±2⁵³).

    A picture is remembered as one.

    Returns:
        vtkMRMLVectorVolumeNode for color, else vtkMRMLScalarVolumeNode.

    Raises:
        MedCLIPSegError: voxels of another type, or color that isn't uint8 with three components.
    """
    voxels = _storable(volume)
    image = vtk.vtkImageData()
    take_voxels(image, np.array(voxels, order="C"))
    node_class = "vtkMRMLVectorVolumeNode" if volume.is_color else "vtkMRMLScalarVolumeNode"
    node = scene.AddNewNodeByClass(node_class, node_name(volume.name, limit=200))
    node.SetIJKToRASMatrix(vtk_matrix(volume.ijk_to_ras))
    if volume.is_color:
        node.SetVoxelVectorType(node.VoxelVectorTypeColorRGB)
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    if not volume.spacing_known:
        remember_picture(node)
    return node


def volume_from_node(volume_node: VolumeNode) -> Volume:
    """Copy a volume out of the scene, so that a worker may read it while the scene changes.

    The matrix is the node's own; parent transforms are left out because results go under the same transform. What is
    fully transparent is black, as in files. The spacing of a picture is unknown, see `is_picture`.

    Raises:
        MedCLIPSegError: no voxels, or neither scalars nor color of 8 or 16 bits.
    """
    voxel_counts(volume_node)
    name = volume_node.GetName() or "Volume"
    voxels = copy_voxels(volume_node.GetImageData())
    if voxels.ndim == 4:
        if voxels.shape[3] not in (3, 4) or voxels.dtype not in (np.uint8, np.uint16):
            raise MedCLIPSegError(
                f"The volume “{name}” has {voxels.shape[3]} components of type {voxels.dtype} a voxel: "
                "choose a scalar volume or an 8-bit RGB picture."
            )
        from ..volumes.itk_images import as_rgb

        voxels = as_rgb(voxels, Path(name))
    notes = file_notes(volume_node)
    return Volume(voxels, ijk_to_ras(volume_node), name, spacing_known=not is_picture(volume_node), notes=notes)


def file_notes(volume_node: VolumeNode) -> tuple[str, ...]:
    """What reading the file of a volume notes on its geometry, a sentence each; none when the file is gone."""
    storage = volume_node.GetStorageNode()
    name = storage.GetFullNameFromFileName() if storage is not None else ""
    if not name or not name.lower().endswith((".nii", ".nii.gz")):
        return ()
    # Not before it is needed: packages may not be installed yet.
    from ..volumes.nifti import nifti_notes

    return nifti_notes(Path(name))


def size_of(voxels: int, volume_node: VolumeNode) -> tuple[float | None, float | None]:
    """Return the size of so many voxels: millilitres of a volume, or mm² of a single slice.

    Returns:
        (ml, mm²), of which one or, where the voxel size is unknown, both are None.
    """
    shape, matrix = voxel_counts(volume_node), ijk_to_ras(volume_node)
    if is_picture(volume_node):
        return None, None
    if 1 in shape:
        in_plane = np.delete(matrix[:3, :3], 2 - shape.index(1), axis=1)
        return None, voxels * float(np.linalg.norm(np.cross(in_plane[:, 0], in_plane[:, 1])))
    return voxels * abs(float(np.linalg.det(matrix[:3, :3]))) / 1000, None


def outline_of(volume_node: VolumeNode) -> Volume:
    """Return a volume's grid with voxels that are all 0 and take no memory, to ask what depends on the grid alone.

    Raises:
        MedCLIPSegError: no voxels.
    """
    outline = np.broadcast_to(np.uint8(0), voxel_counts(volume_node))
    return Volume(outline, ijk_to_ras(volume_node), volume_node.GetName(), spacing_known=not is_picture(volume_node))


def slice_axis_of(volume_node: VolumeNode, plane: Plane) -> SliceAxis:
    """Return how a volume is sliced in a plane, without copying its voxels.

    Raises:
        MedCLIPSegError: no voxels, or a plane other than its own is asked of a single slice.
    """
    return choose_axis(outline_of(volume_node), plane)


def image_to_segment(scene: Scene) -> VolumeNode | None:
    """Return the image that slice views show in the background, else the first of the scene; never one of our maps."""
    for composite in nodes_of_class(scene, "vtkMRMLSliceCompositeNode"):
        node_id = composite.GetBackgroundVolumeID()
        node = scene.GetNodeByID(node_id) if node_id else None
        if node is not None and _is_image(node):
            return node
    return next(iter(image_nodes(scene)), None)


def image_nodes(scene: Scene) -> list[VolumeNode]:
    """Return the images of a scene that can be segmented, in scene order; none of our maps."""
    return [node for node in nodes_of_class(scene, "vtkMRMLScalarVolumeNode") if _is_image(node)]


def _is_image(node: slicer.vtkMRMLNode) -> bool:
    is_image = node.GetClassName() in ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode")
    return is_image and node.GetImageData() is not None and not node.GetHideFromEditors() and map_role(node) is None


def _storable(volume: Volume) -> NDArray[Any]:
    voxels, dtype = volume.voxels, volume.voxels.dtype
    if volume.is_color and (dtype != np.uint8 or voxels.shape[3] != 3):
        raise MedCLIPSegError(f"The color image “{volume.name}” must have three 8-bit components a voxel.")
    if dtype == np.bool_:
        return voxels.astype(np.uint8)
    if dtype == np.int8:  # VTK has it, but its writer of files does not
        return voxels.astype(np.int16)
    if dtype.kind not in "iuf":
        raise MedCLIPSegError(f"The image “{volume.name}” has voxels of type {dtype}: convert it to real numbers.")
    if dtype.kind in "iu" and dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        fits = voxels.size == 0 or (voxels.min() >= limits.min and voxels.max() <= limits.max)
        return voxels.astype(np.int32 if fits else np.float64)
    if dtype == np.float16:
        return voxels.astype(np.float32)
    if dtype.itemsize > 8:
        return voxels.astype(np.float64)
    return voxels.astype(dtype.newbyteorder("="), copy=False)
