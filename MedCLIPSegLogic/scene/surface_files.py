"""Segments as surfaces in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import slicer
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..files.slugs import slugs
from .nodes import SegmentationNode, VolumeNode
from .segmentation import oriented_image, segment_mask

_STL_BYTES = 50
"""Of each triangle in a binary file."""


def save_surfaces(
    segmentation_node: SegmentationNode, segment_ids: Sequence[str], volume_node: VolumeNode, folder: Path
) -> dict[str, Path]:
    """Write the surface of each segment as a binary STL file in LPS millimetres; empty segments have none.

    Args:
        segmentation_node: segmentation with binary labelmaps.
        segment_ids: segments to write.
        volume_node: volume whose voxel grid they lie on; parent transforms are left out.
        folder: existing folder.

    Returns:
        The files written, named after the segments, by segment ID.

    Raises:
        MedCLIPSegError: no such segment, or a file can't be written.
    """
    segmentation = segmentation_node.GetSegmentation()
    names = slugs([segmentation.GetSegment(segment_id).GetName() for segment_id in segment_ids])
    closed = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    files = {}
    for segment_id, name in zip(segment_ids, names, strict=True):
        mask = segment_mask(segmentation_node, segment_id, volume_node)
        alone = _segmentation_of(mask, name, volume_node)
        made = mask.any() and alone.CreateClosedSurfaceRepresentation()
        surface = alone.GetSegmentation().GetSegment(name).GetRepresentation(closed) if made else None
        # Smoothing may leave nothing of a few voxels.
        if surface is None or surface.GetNumberOfPolys() == 0:
            continue
        file = folder / f"{alone.GetName()}_{name}.stl"
        written = logic.ExportSegmentsClosedSurfaceRepresentationToFiles(str(folder), alone, None, "STL", True)
        if not written or not file.exists() or file.stat().st_size < _STL_BYTES * surface.GetNumberOfPolys():
            raise MedCLIPSegError(
                f"The surface {folder / name}.stl can't be written: check free space and permissions."
            )
        files[segment_id] = file.replace(folder / f"{name}.stl")
    return files


def _segmentation_of(mask: NDArray[np.uint8], name: str, volume_node: VolumeNode) -> SegmentationNode:
    """One mask (K, J, I) in no scene, as it lies before parent transforms."""
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName("surface")
    segment = slicer.vtkSegment()
    segment.SetName(name)
    kind = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segment.AddRepresentation(kind, oriented_image(mask, volume_node))
    node.GetSegmentation().AddSegment(segment, name)
    return node
