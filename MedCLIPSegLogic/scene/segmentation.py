"""Segmentation nodes: whose they are, which segment is whose, and masks out of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from .arrays import bounding_box, copy_voxels, take_voxels, voxel_view
from .geometry import array_matrix, follow_transform, ijk_to_ras, is_same_grid, require_same_grid, voxel_counts
from .nodes import Scene, SegmentationNode, VolumeNode, node_name, nodes_of_class, place_beside
from .tags import is_edited, is_of_prompt, mask_hash, segment_record
from .volumes import image_nodes

_OURS_ATTRIBUTE = "MedCLIPSeg.Results"


def create_segmentation(scene: Scene, volume_node: VolumeNode) -> SegmentationNode:
    """Add an empty segmentation beside a volume, on its voxel grid and under its parent transform."""
    name = scene.GenerateUniqueName(f"{node_name(volume_node.GetName())} segmentation")
    segmentation_node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    place_beside(scene, segmentation_node, volume_node)
    attach_to_volume(segmentation_node, volume_node)
    return segmentation_node


def attach_to_volume(segmentation_node: SegmentationNode, volume_node: VolumeNode) -> None:
    """Make a segmentation a volume's: with a display, and the voxel grid and parent transform of the volume."""
    segmentation_node.CreateDefaultDisplayNodes()
    # The reference geometry is taken relative to the parent transform, so the transform comes first.
    follow_transform(segmentation_node, volume_node)
    segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    segmentation_node.SetAttribute(_OURS_ATTRIBUTE, "1")


def find_segmentation(scene: Scene, volume_node: VolumeNode) -> SegmentationNode | None:
    """Return the first segmentation with results of a volume; None if there is none.

    One that was loaded from a file knows no volume; it counts when this is the only image on whose voxel grid it lies.
    One whose volume was removed belongs to no other.
    """
    nodes = [node for node in nodes_of_class(scene, "vtkMRMLSegmentationNode") if _is_ours(node)]
    own = next((node for node in nodes if _volume_of(node) is volume_node), None)
    if own is not None:
        return own
    images = image_nodes(scene)
    loaded = (node for node in nodes if _volume_of(node) is None and not node.GetAttribute(_OURS_ATTRIBUTE))
    return next((node for node in loaded if [each for each in images if _fits(node, each)] == [volume_node]), None)


def require_own_volume(segmentation_node: SegmentationNode, volume_node: VolumeNode) -> None:
    """Make sure that results of a volume may go to a segmentation.

    Raises:
        MedCLIPSegError: it lies on another voxel grid, or holds results of another volume of the scene, which a
            prompt used for both would replace.
    """
    require_same_grid(segmentation_node, volume_node)
    other = _volume_of(segmentation_node)
    if other is not None and other is not volume_node and any(run_segments(segmentation_node)):
        raise MedCLIPSegError(
            f"The segmentation “{segmentation_node.GetName()}” holds results of the volume “{other.GetName()}”: "
            f"choose another segmentation or a new one for “{volume_node.GetName()}”."
        )


def run_segments(segmentation_node: SegmentationNode) -> Iterator[tuple[str, slicer.vtkSegment, dict[str, str]]]:
    """ID, segment and record (see ``segment_record``) of each segment that a run wrote, in their order."""
    segmentation = segmentation_node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        record = segment_record(segment)
        if "Prompt" in record:
            yield segmentation.GetNthSegmentID(index), segment, record


def segments_of_prompt(segmentation_node: SegmentationNode, prompt: str) -> Iterator[tuple[str, slicer.vtkSegment]]:
    """ID and segment of each segment that a run of a prompt wrote, in their order."""
    segmentation = segmentation_node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        if is_of_prompt(segment, prompt):
            yield segmentation.GetNthSegmentID(index), segment


def segment_of_prompt(segmentation_node: SegmentationNode, prompt: str, preferred_id: str = "") -> str | None:
    """Return the ID of the segment a run of a prompt wrote; None if there is none.

    Several may be there when a person edited the first: ``preferred_id`` is then returned if it is among them, else
    the first one that isn't marked as edited, else the first.
    """
    found = list(segments_of_prompt(segmentation_node, prompt))
    if any(segment_id == preferred_id for segment_id, _segment in found):
        return preferred_id
    unedited = (segment_id for segment_id, segment in found if not is_edited(segment))
    return next(unedited, found[0][0] if found else None)


def was_edited(segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode) -> bool:
    """True when a segment isn't what a run left: it is marked as edited, its mask differs, or no run wrote it.

    Raises:
        MedCLIPSegError: no such segment, or it has no binary labelmap.
    """
    mask = segment_mask(segmentation_node, segment_id, volume_node)
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    return is_edited(segment) or segment_record(segment).get("MaskHash") != mask_hash(mask)


def is_empty(segmentation_node: SegmentationNode, segment_id: str) -> bool:
    """True when a segment has no voxel; False for segments without a binary labelmap."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    labelmap = segmentation_node.GetBinaryLabelmapInternalRepresentation(segment_id)
    if segment is None or labelmap is None:
        return False
    if labelmap.IsEmpty() or labelmap.GetPointData().GetScalars() is None:
        return True
    return not bool((voxel_view(labelmap) == segment.GetLabelValue()).any())


def segment_mask(segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode) -> NDArray[np.uint8]:
    """Return a copy of one segment on the voxel grid of a volume: (K, J, I), 0 or 1.

    Exact when the segment was written for that volume, else the nearest voxel; parent transforms of both are regarded.

    Raises:
        MedCLIPSegError: no such segment, or it has no binary labelmap.
    """
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    labelmap = segmentation_node.GetBinaryLabelmapInternalRepresentation(segment_id) if segment is not None else None
    if labelmap is None:
        raise MedCLIPSegError(
            f"The segmentation “{segmentation_node.GetName()}” has no labelmap for the segment “{segment_id}”."
        )
    shape = voxel_counts(volume_node)
    is_moved = segmentation_node.GetTransformNodeID() != volume_node.GetTransformNodeID()
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)  # of the voxel indices, which need not start at 0
    if not is_moved and is_same_grid(array_matrix(matrix), ijk_to_ras(volume_node), shape):
        return _mask_on_grid(labelmap, segment.GetLabelValue(), shape)
    return _resampled_mask(segmentation_node, segment_id, volume_node, is_moved)


def set_segment_mask(
    segmentation_node: SegmentationNode, segment_id: str, mask: NDArray[np.uint8], volume_node: VolumeNode
) -> None:
    """Replace the mask of one segment; all others stay whole, overlaps included.

    Args:
        segmentation_node: segmentation under the same parent transform as the volume.
        segment_id: a segment of it.
        mask: (K, J, I) of 0 and 1, copied.
        volume_node: volume whose voxel grid the mask has.

    Raises:
        MedCLIPSegError: the segmentation doesn't hold labelmaps.
    """
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    # The fewer voxels, the faster; an empty image would be refused.
    region = bounding_box(mask) or (slice(0, 1),) * 3
    image = oriented_image(mask[region], volume_node, tuple(part.start for part in region))
    if not logic.SetBinaryLabelmapToSegment(image, segmentation_node, segment_id, logic.MODE_REPLACE):
        name = segmentation_node.GetSegmentation().GetSegment(segment_id).GetName()
        raise MedCLIPSegError(
            f"The mask of “{name}” can't be written to the segmentation “{segmentation_node.GetName()}”: "
            "choose a new segmentation."
        )


def oriented_image(
    mask: NDArray[Any], volume_node: VolumeNode, first: tuple[int, ...] = (0, 0, 0)
) -> slicer.vtkOrientedImageData:
    """Return a copy of a mask (K, J, I) as an image on the voxel grid of a volume.

    Args:
        mask: of the whole volume, or of a part of it.
        volume_node: gives the grid.
        first: index (k, j, i) in the volume of the first voxel of the mask.
    """
    image = slicer.vtkOrientedImageData()
    take_voxels(image, np.array(mask, np.uint8, order="C"))
    (k, j, i), (depth, height, width) = first, mask.shape
    image.SetExtent(i, i + width - 1, j, j + height - 1, k, k + depth - 1)
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    return image


def _mask_on_grid(labelmap: slicer.vtkOrientedImageData, label: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The voxels with a label, of a labelmap whose extent counts the voxels of a grid (K, J, I)."""
    mask = np.zeros(shape, np.uint8)
    if labelmap.IsEmpty() or labelmap.GetPointData().GetScalars() is None:
        return mask
    bounds = labelmap.GetExtent()
    first, last = bounds[4::-2], bounds[5::-2]
    there = tuple(slice(max(low, 0), high + 1) for low, high in zip(first, last, strict=True))
    here = tuple(slice(max(-low, 0), count - low) for low, count in zip(first, shape, strict=True))
    region = mask[there]
    np.equal(voxel_view(labelmap)[here], label, out=region.view(np.bool_))
    return mask


def _resampled_mask(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, is_moved: bool
) -> NDArray[np.uint8]:
    """The mask of a segment by the nearest voxel, through the parent transforms when they differ."""
    labelmap = slicer.vtkOrientedImageData()
    segmentation_node.GetBinaryLabelmapRepresentation(segment_id, labelmap)
    transform = None
    if is_moved:
        transform = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
            segmentation_node.GetParentTransformNode(), volume_node.GetParentTransformNode(), transform
        )
    resampled = slicer.vtkOrientedImageData()
    grid = oriented_image(np.zeros(voxel_counts(volume_node), np.uint8), volume_node)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        labelmap, grid, resampled, False, False, transform
    )
    return (copy_voxels(resampled) > 0).astype(np.uint8)


def _is_ours(segmentation_node: SegmentationNode) -> bool:
    return segmentation_node.GetAttribute(_OURS_ATTRIBUTE) == "1" or any(run_segments(segmentation_node))


def _volume_of(segmentation_node: SegmentationNode) -> VolumeNode | None:
    return segmentation_node.GetNodeReference(segmentation_node.GetReferenceImageGeometryReferenceRole())


def _fits(segmentation_node: SegmentationNode, volume_node: VolumeNode) -> bool:
    try:
        require_same_grid(segmentation_node, volume_node)
    except MedCLIPSegError:
        return False
    return True
