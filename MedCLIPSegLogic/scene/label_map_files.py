"""Segments as label maps and surfaces in files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..reporting.slugs import slugs
from .arrays import copy_voxels
from .geometry import ijk_to_ras
from .segmentation import oriented_image, segment_mask

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def save_label_map(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_ids: Sequence[str],
    volume_node: slicer.vtkMRMLVolumeNode,
    path: Path,
) -> list[Path]:
    """Write segments as one label map with the labels 1, 2, …, or as one file each when they overlap.

    Args:
        segmentation_node: segmentation with binary labelmaps.
        segment_ids: segments to write; label n is the n-th of them.
        volume_node: volume whose voxel grid the files get; parent transforms are left out.
        path: file ending in ``.nii.gz`` or ``.nrrd``; separate files get the segment's name appended.

    Returns:
        The files written; a table of labels, ``….labels.csv``, is the last.

    Raises:
        MedCLIPSegError: no such segment.
    """
    ending = ".nii.gz" if path.name.endswith(".nii.gz") else path.suffix
    stem = path.name.removesuffix(ending)
    masks = [segment_mask(segmentation_node, segment_id, volume_node) for segment_id in segment_ids]
    segments = [segmentation_node.GetSegmentation().GetSegment(segment_id) for segment_id in segment_ids]
    labels = np.zeros(masks[0].shape, np.uint8 if len(masks) < 256 else np.uint16)
    overlap = bool((np.sum(masks, axis=0, dtype=np.uint16) > 1).any())
    matrix, rows, files = ijk_to_ras(volume_node), [], []
    if overlap:
        for slug, mask in zip(slugs([segment.GetName() for segment in segments]), masks, strict=True):
            files.append(path.with_name(f"{stem}_{slug}{ending}"))
            write_image(mask, matrix, files[-1])
    else:
        for value, mask in enumerate(masks, start=1):
            labels[mask > 0] = value
        files.append(path)
        write_image(labels, matrix, path)
    for number, segment in enumerate(segments, start=1):
        red, green, blue = (round(255 * part) for part in segment.GetColor())
        file = files[number - 1] if overlap else path
        rows.append([1 if overlap else number, segment.GetName(), red, green, blue, 255, file.name])
    table = path.with_name(f"{stem}.labels.csv")
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["LabelValue", "Name", "Color_R", "Color_G", "Color_B", "Color_A", "File"])
        writer.writerows(rows)
    return [*files, table]


def save_surfaces(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_ids: Sequence[str],
    volume_node: slicer.vtkMRMLVolumeNode,
    folder: Path,
) -> list[Path]:
    """Write the surface of each segment as a binary STL file in LPS millimetres; empty segments have none.

    Args:
        segmentation_node: segmentation with binary labelmaps.
        segment_ids: segments to write.
        volume_node: volume whose voxel grid they lie on; parent transforms are left out.
        folder: existing folder.

    Returns:
        The files written, named after the segments.
    """
    segmentation = segmentation_node.GetSegmentation()
    names = slugs([segmentation.GetSegment(segment_id).GetName() for segment_id in segment_ids])
    files = []
    for segment_id, name in zip(segment_ids, names, strict=True):
        mask = segment_mask(segmentation_node, segment_id, volume_node)
        if not mask.any():
            continue
        surface = _surface(mask, volume_node)
        file = folder / f"{name}.stl"
        writer = vtk.vtkSTLWriter()
        writer.SetFileTypeToBinary()
        writer.SetFileName(str(file))
        writer.SetInputData(surface)
        if not writer.Write():
            raise MedCLIPSegError(f"The surface {file.name} can't be written: check free space and permissions.")
        files.append(file)
    return files


def save_map_volume(map_node: slicer.vtkMRMLScalarVolumeNode, path: Path) -> None:
    """Write a map as float32 ``.nii.gz`` or ``.nrrd``; parent transforms are left out."""
    write_image(copy_voxels(map_node.GetImageData()), ijk_to_ras(map_node), path)


def write_image(voxels: NDArray[np.generic], matrix: NDArray[np.float64], path: Path) -> None:
    """Write voxels (K, J, I) with an IJK-to-RAS matrix, compressed.

    Raises:
        MedCLIPSegError: the file can't be written, or the axes are sheared, which these formats can't hold.
    """
    lps = RAS_TO_LPS @ matrix
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(voxels)
    try:
        image.SetSpacing(spacing.tolist())
        image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise MedCLIPSegError(
            f"The file {path.name} can't be written; check free space and permissions, or choose the format .seg.nrrd "
            "if the image has sheared axes."
        ) from error


def _surface(mask: NDArray[np.uint8], volume_node: slicer.vtkMRMLVolumeNode) -> vtk.vtkPolyData:
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule()
    surface = vtk.vtkPolyData()
    segment = slicer.vtkSegment()
    segment.AddRepresentation(
        slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName(), oriented_image(mask, volume_node)
    )
    segment.AddRepresentation(slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName(), surface)
    rule.Convert(segment)
    flip = vtk.vtkTransform()
    flip.Scale(-1, -1, 1)
    transform = vtk.vtkTransformPolyDataFilter()
    transform.SetInputData(surface)
    transform.SetTransform(flip)
    transform.Update()
    return transform.GetOutput()
