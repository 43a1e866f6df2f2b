"""Masks into the scene: one segment a prompt."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.result import PromptResult, SegmentationResult
from .arrays import copy_voxels, fill_image
from .geometry import follow_transform, require_same_grid, require_shape, voxel_counts
from .hierarchy import place_beside
from .names import node_name, one_line
from .palette import next_color
from .slices import is_partial, merge_slices
from .tags import mark_edited, mask_hash, segment_record, write_segment_record


def write_segments(
    scene: slicer.vtkMRMLScene,
    volume_node: slicer.vtkMRMLVolumeNode,
    result: SegmentationResult,
    segmentation_node: slicer.vtkMRMLSegmentationNode | None = None,
) -> slicer.vtkMRMLSegmentationNode:
    """Write one segment a prompt, voxel for voxel on the grid of the volume.

    A prompt that was run before replaces its own segment, found by its tag, and keeps the name and color the user
    gave it. When the run covered some slices only, the other slices stay. A segment whose mask was changed since its
    run is marked as edited and left as it is, and a new one is added. All other segments stay whole, overlaps
    included; an empty mask gives an empty segment.

    Args:
        scene: scene of the volume.
        volume_node: the input; the segmentation goes under its parent transform.
        result: masks on the voxel grid of ``volume_node``.
        segmentation_node: segmentation to write to; None for a new one beside the volume.

    Raises:
        MedCLIPSegError: the result doesn't fit the volume, or the segmentation lies on another voxel grid.
    """
    require_shape(volume_node, result.volume.shape)
    if segmentation_node is None:
        name = scene.GenerateUniqueName(f"{node_name(volume_node.GetName())} segmentation")
        segmentation_node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        place_beside(scene, segmentation_node, volume_node)
    else:
        require_same_grid(segmentation_node, volume_node)
    segmentation_node.CreateDefaultDisplayNodes()
    # The reference geometry is taken relative to the parent transform, so the transform comes first.
    follow_transform(segmentation_node, volume_node)
    segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)

    was_modifying = segmentation_node.StartModify()
    try:
        written: set[str] = set()
        for prompt in result.prompts:
            written.add(_write_segment(segmentation_node, volume_node, prompt, result, written))
    finally:
        segmentation_node.EndModify(was_modifying)
    return segmentation_node


def segment_mask(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, volume_node: slicer.vtkMRMLVolumeNode
) -> NDArray[np.uint8]:
    """Return a copy of one segment on the voxel grid of a volume: (K, J, I), 0 or 1.

    Exact when the segment was written for that volume, else the nearest voxel; parent transforms of both are regarded.

    Raises:
        MedCLIPSegError: no such segment, or it has no binary labelmap.
    """
    labelmap = slicer.vtkOrientedImageData()
    segmentation = segmentation_node.GetSegmentation()
    if segmentation.GetSegment(segment_id) is None or not segmentation_node.GetBinaryLabelmapRepresentation(
        segment_id, labelmap
    ):
        raise MedCLIPSegError(
            f"The segmentation “{segmentation_node.GetName()}” has no labelmap for the segment “{segment_id}”."
        )
    shape = voxel_counts(volume_node)
    transform = None
    if segmentation_node.GetTransformNodeID() != volume_node.GetTransformNodeID():
        transform = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
            segmentation_node.GetParentTransformNode(), volume_node.GetParentTransformNode(), transform
        )
    resampled = slicer.vtkOrientedImageData()
    grid = _oriented_image(np.zeros(shape, np.uint8), volume_node)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        labelmap, grid, resampled, False, False, transform
    )
    return (copy_voxels(resampled) > 0).astype(np.uint8)


def _write_segment(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    prompt: PromptResult,
    result: SegmentationResult,
    written: set[str],
) -> str:
    """Write one prompt and return the ID of its segment; IDs in ``written`` belong to other prompts of the run."""
    segmentation = segmentation_node.GetSegmentation()
    mask: NDArray[Any] = prompt.mask
    segment_id = _own_segment_id(segmentation_node, volume_node, prompt.prompt, written)
    if segment_id is None:
        segment_id = segmentation.AddEmptySegment("", _new_name(segmentation, prompt.name), next_color(segmentation))
        # Otherwise the application may rename it after a choice of terminology.
        segmentation.GetSegment(segment_id).SetNameAutoGenerated(False)
    elif is_partial(result):
        mask = merge_slices(segment_mask(segmentation_node, segment_id, volume_node), mask, result)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    image = _oriented_image(mask, volume_node)
    if not logic.SetBinaryLabelmapToSegment(image, segmentation_node, segment_id, logic.MODE_REPLACE):
        raise MedCLIPSegError(
            f"The mask of “{prompt.name}” can't be written to the segmentation “{segmentation_node.GetName()}”: "
            "choose a new segmentation."
        )
    write_segment_record(segmentation.GetSegment(segment_id), prompt, result, mask)
    return segment_id


def _own_segment_id(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    prompt: str,
    written: set[str],
) -> str | None:
    """The segment an earlier run of the prompt wrote; one that was changed since is marked as edited and passed by."""
    segmentation = segmentation_node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment_id = segmentation.GetNthSegmentID(index)
        segment = segmentation.GetNthSegment(index)
        record = segment_record(segment)
        if segment_id in written or record.get("Prompt") != prompt or record.get("Edited") == "1":
            continue
        if record.get("MaskHash") == mask_hash(segment_mask(segmentation_node, segment_id, volume_node)):
            return segment_id
        mark_edited(segment)
    return None


def _new_name(segmentation: slicer.vtkSegmentation, name: str) -> str:
    """Return the name on one line, with a number behind it if another segment has it."""
    plain = one_line(name) or "Segment"
    candidate, number = plain, 1
    while segmentation.GetSegmentIdBySegmentName(candidate):
        number += 1
        candidate = f"{plain} ({number})"
    return candidate


def _oriented_image(mask: NDArray[Any], volume_node: slicer.vtkMRMLVolumeNode) -> slicer.vtkOrientedImageData:
    image = slicer.vtkOrientedImageData()
    fill_image(image, mask.astype(np.uint8, copy=False))
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    return image
