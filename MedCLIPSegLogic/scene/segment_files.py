"""Segments as label maps and surfaces in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import slicer
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..files.replacing import write_csv, write_failures_in_words
from ..files.slugs import slugs
from ..volumes.image_writing import image_ending, write_image
from .geometry import ijk_to_ras, voxel_counts
from .nodes import SegmentationNode, VolumeNode
from .segmentation import oriented_image, segment_mask

TABLE_HEADER = ("LabelValue", "Name", "Color_R", "Color_G", "Color_B", "Color_A", "File")

_STL_BYTES = 50
"""Of each triangle in a binary file."""


def save_label_map(
    segmentation_node: SegmentationNode, segment_ids: Sequence[str], volume_node: VolumeNode, path: Path
) -> list[Path]:
    """Write segments as one label map with the labels 1, 2, …, or as one file each, label 1, when they overlap.

    Args:
        segmentation_node: segmentation with binary labelmaps.
        segment_ids: segments to write, at least one; label n is the n-th of them.
        volume_node: volume whose voxel grid the files get; parent transforms are left out.
        path: file ending in ``.nii.gz`` or ``.nrrd``; separate files get the segment's name appended.

    Returns:
        The files written; a table of labels, ``….labels.csv``, is the last. Its column ``File`` has the names of the
        files without their ending, so that it holds for both formats.

    Raises:
        MedCLIPSegError: no such segment, another ending, or a file can't be written.
    """
    return list(label_map_files(segmentation_node, segment_ids, volume_node, path))


def label_map_files(
    segmentation_node: SegmentationNode, segment_ids: Sequence[str], volume_node: VolumeNode, path: Path
) -> Iterator[Path]:
    """`save_label_map`, a file at a time."""
    ending = image_ending(path)
    stem = path.name.removesuffix(ending)
    matrix = ijk_to_ras(volume_node)
    labels = _joint_labels(segmentation_node, segment_ids, volume_node)
    names = [segmentation_node.GetSegmentation().GetSegment(segment_id).GetName() for segment_id in segment_ids]
    if labels is not None:
        stems = [stem] * len(names)
        write_image(labels, matrix, path)
        yield path
    else:
        stems = [f"{stem}_{slug}" for slug in slugs(names)]
        for segment_id, file_stem in zip(segment_ids, stems, strict=True):
            file = path.with_name(f"{file_stem}{ending}")
            write_image(segment_mask(segmentation_node, segment_id, volume_node), matrix, file)
            yield file
    rows: list[list[object]] = []
    for number, (segment_id, name, file_stem) in enumerate(zip(segment_ids, names, stems, strict=True), start=1):
        color = segmentation_node.GetSegmentation().GetSegment(segment_id).GetColor()
        value = number if labels is not None else 1
        rows.append([value, name, *(round(255 * part) for part in color), 255, file_stem])
    table = path.with_name(f"{stem}.labels.csv")
    with write_failures_in_words():
        write_csv(table, TABLE_HEADER, rows)
    yield table


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
    made = surface_files(segmentation_node, segment_ids, volume_node, folder)
    return {segment_id: path for segment_id, path in made if path is not None}


def surface_files(
    segmentation_node: SegmentationNode, segment_ids: Sequence[str], volume_node: VolumeNode, folder: Path
) -> Iterator[tuple[str, Path | None]]:
    """`save_surfaces`, a segment at a time; None for one that has no surface."""
    segmentation = segmentation_node.GetSegmentation()
    names = slugs([segmentation.GetSegment(segment_id).GetName() for segment_id in segment_ids])
    closed = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    for segment_id, name in zip(segment_ids, names, strict=True):
        mask = segment_mask(segmentation_node, segment_id, volume_node)
        alone = _segmentation_of(mask, name, volume_node)
        made = mask.any() and alone.CreateClosedSurfaceRepresentation()
        surface = alone.GetSegmentation().GetSegment(name).GetRepresentation(closed) if made else None
        # Smoothing may leave nothing of a few voxels.
        if surface is None or surface.GetNumberOfPolys() == 0:
            yield segment_id, None
            continue
        file = folder / f"{alone.GetName()}_{name}.stl"
        written = logic.ExportSegmentsClosedSurfaceRepresentationToFiles(str(folder), alone, None, "STL", True)
        if not written or not file.exists() or file.stat().st_size < _STL_BYTES * surface.GetNumberOfPolys():
            raise MedCLIPSegError(
                f"The surface {folder / name}.stl can't be written: check free space and permissions."
            )
        yield segment_id, file.replace(folder / f"{name}.stl")


def _joint_labels(
    segmentation_node: SegmentationNode, segment_ids: Sequence[str], volume_node: VolumeNode
) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    """One label map (K, J, I) of all segments; None when two of them share a voxel."""
    labels = np.zeros(voxel_counts(volume_node), np.uint8 if len(segment_ids) < 256 else np.uint16)
    for value, segment_id in enumerate(segment_ids, start=1):
        inside = segment_mask(segmentation_node, segment_id, volume_node).view(np.bool_)
        if labels[inside].any():
            return None
        labels[inside] = value
    return labels


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
