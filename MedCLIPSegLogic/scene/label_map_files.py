"""Segments as label maps in files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..files.slugs import slugs
from ..volumes.image_writing import image_ending, write_image
from .geometry import ijk_to_ras, voxel_counts
from .nodes import SegmentationNode, VolumeNode
from .segmentation import segment_mask

TABLE_HEADER = ("LabelValue", "Name", "Color_R", "Color_G", "Color_B", "Color_A", "File")


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
    ending = image_ending(path)
    stem = path.name.removesuffix(ending)
    matrix = ijk_to_ras(volume_node)
    labels = _joint_labels(segmentation_node, segment_ids, volume_node)
    names = [segmentation_node.GetSegmentation().GetSegment(segment_id).GetName() for segment_id in segment_ids]
    if labels is not None:
        stems, files = [stem] * len(names), [path]
        write_image(labels, matrix, path)
    else:
        stems = [f"{stem}_{slug}" for slug in slugs(names)]
        files = [path.with_name(f"{name}{ending}") for name in stems]
        for segment_id, file in zip(segment_ids, files, strict=True):
            write_image(segment_mask(segmentation_node, segment_id, volume_node), matrix, file)
    rows: list[list[object]] = []
    for number, (segment_id, name, file_stem) in enumerate(zip(segment_ids, names, stems, strict=True), start=1):
        color = segmentation_node.GetSegmentation().GetSegment(segment_id).GetColor()
        value = number if labels is not None else 1
        rows.append([value, name, *(round(255 * part) for part in color), 255, file_stem])
    table = path.with_name(f"{stem}.labels.csv")
    _write_table(table, rows)
    return [*files, table]


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


def _write_table(path: Path, rows: list[list[object]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(TABLE_HEADER)
            writer.writerows(rows)
    except OSError as error:
        raise MedCLIPSegError(f"The file {path} can't be written ({error.strerror}): choose another folder.") from error
