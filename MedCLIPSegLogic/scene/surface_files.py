"""Segments as surfaces in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..files.slugs import slugs
from .segmentation import oriented_image, segment_mask

HEADER = "Surface of a segment in millimetres. SPACE=LPS"
"""Says which way the axes run, in the words 3D Slicer looks for."""


def save_surfaces(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_ids: Sequence[str],
    volume_node: slicer.vtkMRMLVolumeNode,
    folder: Path,
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
    masks = {i: segment_mask(segmentation_node, i, volume_node) for i in segment_ids}
    names = slugs([segmentation.GetSegment(segment_id).GetName() for segment_id in segment_ids])
    files = {}
    for (segment_id, mask), name in zip(masks.items(), names, strict=True):
        surface = _surface(mask, volume_node) if mask.any() else vtk.vtkPolyData()
        # Smoothing may leave nothing of a few voxels.
        if surface.GetNumberOfPolys() == 0:
            continue
        files[segment_id] = folder / f"{name}.stl"
        _write(surface, files[segment_id])
    return files


def _surface(mask: NDArray[np.uint8], volume_node: slicer.vtkMRMLVolumeNode) -> vtk.vtkPolyData:
    """The smoothed surface of a mask (K, J, I) in LPS, by the application's own conversion."""
    surface = vtk.vtkPolyData()
    segment = slicer.vtkSegment()
    names = slicer.vtkSegmentationConverter
    segment.AddRepresentation(names.GetBinaryLabelmapRepresentationName(), oriented_image(mask, volume_node))
    segment.AddRepresentation(names.GetClosedSurfaceRepresentationName(), surface)
    slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule().Convert(segment)
    flip = vtk.vtkTransform()
    flip.Scale(-1, -1, 1)
    transform = vtk.vtkTransformPolyDataFilter()
    transform.SetInputData(surface)
    transform.SetTransform(flip)
    transform.Update()
    return transform.GetOutput()


def _write(surface: vtk.vtkPolyData, path: Path) -> None:
    writer = vtk.vtkSTLWriter()
    writer.SetFileTypeToBinary()
    writer.SetHeader(HEADER)
    writer.SetFileName(str(path))
    writer.SetInputData(surface)
    if not writer.Write() or writer.GetErrorCode():
        raise MedCLIPSegError(f"The surface {path} can't be written: check free space and permissions.")
