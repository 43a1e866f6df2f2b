"""A set of exported files with its record, whole or not at all."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import slicer

from ..errors import MedCLIPSegError
from ..files.replacing import write_json
from ..files.slugs import slugs
from ..files.staging import check_free, staged_folder
from ..volumes.image_writing import write_image
from ..volumes.volume import is_sheared
from .arrays import copy_voxels
from .export import save_segmentation
from .export_record import export_record
from .geometry import ijk_to_ras
from .map_volumes import DISAGREEMENT, PROBABILITY, UNCERTAINTY, find_map
from .nodes import SegmentationNode, VolumeNode
from .segment_files import label_map_files, surface_files
from .segmentation import segment_mask
from .tags import segment_record
from .volumes import file_notes

Format = Literal["seg.nrrd", "nii.gz", "nrrd", "stl"]
RECORD_FILE = "export.json"
NAMES_IN_ERRORS = 3


@dataclass(frozen=True)
class ExportChoice:
    """What is exported.

    Args:
        segment_ids: segments, in the order of their labels.
        formats: of the segments.
        maps: probability and uncertainty maps too, and where planes were fused their disagreement.
    """

    segment_ids: tuple[str, ...]
    formats: frozenset[Format]
    maps: bool


def export_results(
    segmentation_node: SegmentationNode,
    volume_node: VolumeNode,
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
        overwrite: replace all files of an earlier export into the folder; other files are never replaced.

    Returns:
        The files, the record last.

    Raises:
        MedCLIPSegError: nothing is chosen, a segment is gone, the folder holds an export or files of the same names,
            or can't be written; nothing was changed then.
    """
    steps = export_steps(segmentation_node, volume_node, choice, folder, overwrite)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            files: list[Path] = end.value
            return files


def export_steps(
    segmentation_node: SegmentationNode,
    volume_node: VolumeNode,
    choice: ExportChoice,
    folder: Path,
    overwrite: bool = False,
) -> Generator[None, None, list[Path]]:
    """`export_results`, a file per step; nothing is in the folder before the last one, or when the generator is closed.

    Raises:
        MedCLIPSegError: also when voxels of a segment were changed between two steps.
    """
    if not choice.segment_ids or not (choice.formats or choice.maps):
        raise MedCLIPSegError("Nothing is chosen; tick at least one segment and one kind of file.")
    for segment_id in choice.segment_ids:
        segment_mask(segmentation_node, segment_id, volume_node)
        yield
    earlier = earlier_files(folder)
    if earlier and not overwrite:
        raise MedCLIPSegError(
            f"The folder {folder} already holds an export ({listed(earlier)}); replace it or choose another folder."
        )
    with staged_folder(folder, overwrite, RECORD_FILE) as staging:
        try:
            export = _ExportedFiles(segmentation_node, volume_node, choice, staging)
            for _step in export.write():
                yield
                export.require_unchanged()
            names = export.write_record()
        except MedCLIPSegError as error:
            # Nobody knows the temporary folder.
            raise MedCLIPSegError(str(error).replace(str(staging), str(folder))) from error
    return [folder / name for name in (*names, RECORD_FILE)]


def earlier_files(folder: Path) -> list[Path]:
    """Files of an earlier export into a folder, which `export_results` may replace.

    Raises:
        MedCLIPSegError: ``folder`` is a file.
    """
    return check_free(folder, True, RECORD_FILE)


def listed(files: list[Path]) -> str:
    """Return the first names of a list of files, for a sentence."""
    names = ", ".join(path.name for path in files[:NAMES_IN_ERRORS])
    return names + (", …" if len(files) > NAMES_IN_ERRORS else "")


class _ExportedFiles:
    """One export into an empty folder; notes whose files are whose, and what was left out."""

    def __init__(
        self, segmentation_node: SegmentationNode, volume_node: VolumeNode, choice: ExportChoice, folder: Path
    ) -> None:
        self._segmentation_node, self._volume_node = segmentation_node, volume_node
        self._choice, self._folder = choice, folder
        segmentation = segmentation_node.GetSegmentation()
        self._names = {i: segmentation.GetSegment(i).GetName() for i in choice.segment_ids}
        self._stem = slugs([volume_node.GetName()])[0]
        self._files: dict[str, list[str]] = {segment_id: [] for segment_id in ("", *choice.segment_ids)}
        self._notes: list[str] = []
        self._times = self._voxel_times()

    def require_unchanged(self) -> None:
        """Make sure that all files show the same segments.

        Raises:
            MedCLIPSegError: they were changed since the export began.
        """
        if self._voxel_times() != self._times:
            raise MedCLIPSegError("The segments were changed during the export; nothing was written, export again.")

    def _voxel_times(self) -> list[int | None]:
        node = self._segmentation_node
        maps = (node.GetBinaryLabelmapInternalRepresentation(segment_id) for segment_id in self._names)
        return [labelmap.GetMTime() if labelmap is not None else None for labelmap in maps]

    def write(self) -> Iterator[None]:
        """Write all files but the record, one after the other."""
        self._notes.extend(file_notes(self._volume_node))
        if self._volume_node.GetTransformNodeID() is not None:
            self._notes.append("The transform of the image was left out: files lie where the image file lies.")
        if "seg.nrrd" in self._choice.formats:
            self._write_segmentation()
            yield
        for ending in ("nii.gz", "nrrd"):
            if ending in self._choice.formats:
                yield from self._write_label_map(ending)
        if "stl" in self._choice.formats:
            yield from self._write_surfaces()
        if self._choice.maps:
            yield from self._write_maps()

    def write_record(self) -> list[str]:
        """Write the record; return the names of the files."""
        record = export_record(
            self._segmentation_node, self._volume_node, self._choice.segment_ids, self._files, self._notes
        )
        write_json(self._folder / RECORD_FILE, record)
        names: list[str] = record["files"]
        return names

    def _write_segmentation(self) -> None:
        converter = slicer.vtkSegmentationConverter
        geometry = converter.GetReferenceImageGeometryParameterName()
        source = self._segmentation_node.GetSegmentation()
        chosen = slicer.vtkMRMLSegmentationNode()
        chosen.GetSegmentation().SetConversionParameter(geometry, source.GetConversionParameter(geometry))
        for segment_id in self._names:
            chosen.GetSegmentation().CopySegmentFromSegmentation(source, segment_id)
        path = self._folder / f"{self._stem}.seg.nrrd"
        save_segmentation(chosen, path)
        if self._segmentation_node.GetTransformNodeID() != self._volume_node.GetTransformNodeID():
            self._notes.append(
                f"{path.name} lies elsewhere than the other files: segmentation and image have different transforms, "
                "which it leaves out."
            )
        self._add_shared(path.name)

    def _write_label_map(self, ending: str) -> Iterator[None]:
        path = self._folder / f"{self._stem}-labels.{ending}"
        written: list[Path] = []
        for file in label_map_files(self._segmentation_node, tuple(self._names), self._volume_node, path):
            written.append(file)
            yield
        *files, table = written
        if len(files) == len(self._names) > 1:
            self._notes.append(f"Segments overlap, so there is one {ending} file for each of them.")
            for segment_id, file in zip(self._names, files, strict=True):
                self._files[segment_id].append(file.name)
        else:
            self._add_shared(files[0].name)
        self._files[""].append(table.name)

    def _write_surfaces(self) -> Iterator[None]:
        segment_ids = tuple(self._names)
        for segment_id, file in surface_files(self._segmentation_node, segment_ids, self._volume_node, self._folder):
            if file is not None:
                self._files[segment_id].append(file.name)
            else:
                name = self._names[segment_id]
                self._notes.append(f"“{name}” is empty, or too small for a surface, and has no .stl file.")
            yield

    def _write_maps(self) -> Iterator[None]:
        scene, segmentation = self._volume_node.GetScene(), self._segmentation_node.GetSegmentation()
        ending = "nrrd" if is_sheared(ijk_to_ras(self._volume_node)) else "nii.gz"
        for (segment_id, name), slug in zip(self._names.items(), slugs(list(self._names.values())), strict=True):
            prompt = segment_record(segmentation.GetSegment(segment_id)).get("Prompt")
            for role in (PROBABILITY, UNCERTAINTY, DISAGREEMENT):
                node = find_map(scene, self._volume_node, prompt, role) if prompt is not None else None
                if node is None and role is DISAGREEMENT:
                    continue  # there only where planes were fused
                if node is None:
                    self._notes.append(f"There is no {role.name.lower()} map of “{name}”.")
                else:
                    path = self._folder / f"{slug}.{role.name.lower()}.{ending}"
                    write_image(copy_voxels(node.GetImageData()), ijk_to_ras(node), path)
                    self._files[segment_id].append(path.name)
                    yield

    def _add_shared(self, name: str) -> None:
        for segment_id in self._names:
            self._files[segment_id].append(name)
