"""A set of exported files with its record, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import slicer

from ..errors import MedCLIPSegError
from ..reporting.slugs import slugs
from ..reporting.staging import staged_folder
from .export import save_segmentation
from .export_record import export_record
from .label_map_files import save_label_map, save_map_volume, save_surfaces
from .maps import PROBABILITY, UNCERTAINTY, find_map
from .segmentation import segment_mask
from .tags import segment_record

Format = Literal["seg.nrrd", "nii.gz", "nrrd", "stl"]
RECORD_FILE = "export.json"


@dataclass(frozen=True)
class ExportChoice:
    """What is exported.

    Args:
        segment_ids: segments, in the order of their labels.
        formats: of the segments.
        maps: probability and uncertainty maps too.
    """

    segment_ids: tuple[str, ...]
    formats: frozenset[Format]
    maps: bool


def export_results(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    choice: ExportChoice,
    folder: Path,
    overwrite: bool = False,
) -> list[Path]:
    """Write segments and maps of an image into a folder, with ``export.json`` beside them.

    Args:
        segmentation_node: segmentation with binary labelmaps.
        volume_node: the image; all files lie on its voxel grid, parent transforms are left out.
        choice: what to write.
        folder: made when missing; other files in it are left alone.
        overwrite: replace the files of an earlier export into the folder.

    Returns:
        The files, the record last.

    Raises:
        MedCLIPSegError: nothing is chosen, the folder holds an export or files of the same names, or can't be
            written; nothing was changed then.
    """
    if not choice.segment_ids or not (choice.formats or choice.maps):
        raise MedCLIPSegError("Nothing is chosen; tick at least one segment and one kind of file.")
    stem = slugs([volume_node.GetName()])[0]
    notes: list[str] = []
    with staged_folder(folder, overwrite, RECORD_FILE) as staging:
        if "seg.nrrd" in choice.formats:
            _save_chosen(segmentation_node, choice.segment_ids, staging / f"{stem}.seg.nrrd")
        for ending in ("nii.gz", "nrrd"):
            if ending in choice.formats:
                label_map = staging / f"{stem}-labels.{ending}"
                files = save_label_map(segmentation_node, choice.segment_ids, volume_node, label_map)
                if len(files) > 2:
                    notes.append(f"Segments overlap, so there is one {ending} file for each of them.")
        if "stl" in choice.formats:
            save_surfaces(segmentation_node, choice.segment_ids, volume_node, staging)
            notes += _empty_notes(segmentation_node, volume_node, choice)
        if choice.maps:
            notes += _save_maps(segmentation_node, volume_node, choice, staging)
        names = sorted(path.name for path in staging.iterdir())
        record = export_record(segmentation_node, volume_node, choice.segment_ids, names, notes)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (staging / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
    return [folder / name for name in (*names, RECORD_FILE)]


def _save_chosen(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_ids: tuple[str, ...], path: Path) -> None:
    source = segmentation_node.GetSegmentation()
    chosen = slicer.vtkMRMLSegmentationNode()
    chosen.GetSegmentation().SetConversionParameter(
        slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName(),
        source.GetConversionParameter(slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()),
    )
    for segment_id in segment_ids:
        chosen.GetSegmentation().CopySegmentFromSegmentation(source, segment_id)
    save_segmentation(chosen, path)


def _save_maps(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    choice: ExportChoice,
    folder: Path,
) -> list[str]:
    segmentation = segmentation_node.GetSegmentation()
    segments = [segmentation.GetSegment(segment_id) for segment_id in choice.segment_ids]
    notes = []
    for slug, segment in zip(slugs([segment.GetName() for segment in segments]), segments, strict=True):
        prompt = segment_record(segment).get("Prompt")
        for role in (PROBABILITY, UNCERTAINTY):
            node = find_map(volume_node.GetScene(), volume_node, prompt, role) if prompt is not None else None
            if node is None:
                notes.append(f"There is no {role.name.lower()} map of “{segment.GetName()}”.")
            else:
                save_map_volume(node, folder / f"{slug}.{role.name.lower()}.nii.gz")
    return notes


def _empty_notes(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLVolumeNode, choice: ExportChoice
) -> list[str]:
    segmentation = segmentation_node.GetSegmentation()
    names = [
        segmentation.GetSegment(segment_id).GetName()
        for segment_id in choice.segment_ids
        if not segment_mask(segmentation_node, segment_id, volume_node).any()
    ]
    return [f"“{name}” is empty and has no surface." for name in names]
