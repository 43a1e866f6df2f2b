"""Segmentations and whole scenes into files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import slicer

from ..errors import MedCLIPSegError
from ..files.replacing import replacing
from ..named_files import unicode_name
from ..volumes.image_writing import require_complete
from .nodes import Scene, SegmentationNode


def save_segmentation(segmentation_node: SegmentationNode, path: str | Path) -> None:
    """Write a segmentation with names, colors, tags and overlaps; an existing file is replaced when all went well.

    The node's own storage stays untouched. Parent transforms are left out, as they are for volumes.

    Args:
        segmentation_node: a segmentation with binary labelmaps.
        path: file name ending in ``.seg.nrrd``.

    Raises:
        MedCLIPSegError: wrong ending, or the file can't be written.
    """

    def write(file: Path) -> bool:
        storage = slicer.vtkMRMLSegmentationStorageNode()
        storage.SetFileName(str(file))
        if not storage.WriteData(segmentation_node):
            return False
        require_complete(file)
        return True

    _write(Path(path), ".seg.nrrd", write)


def save_scene(scene: Scene, path: str | Path) -> None:
    """Write a scene with all data into one bundle; an existing file is replaced when all went well.

    Args:
        scene: the scene to save; nodes without a storage node get one, as in the application.
        path: file name ending in ``.mrb``.

    Raises:
        MedCLIPSegError: wrong ending, the file can't be written, or the scene couldn't be loaded from it again.
    """

    def write(file: Path) -> bool:
        if not scene.WriteToMRB(str(file)):
            return False
        _require_loadable(file)
        return True

    _write(Path(path), ".mrb", write)


def _require_loadable(bundle: Path) -> None:
    """Make sure that the scene description is proper XML; names with "&" break it without any complaint on writing."""
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            if name.endswith(".mrml"):
                try:
                    ElementTree.fromstring(archive.read(name))
                except ElementTree.ParseError as error:
                    raise MedCLIPSegError(
                        "The scene was not saved because it could not be loaded again: "
                        "remove “&” and other special characters from the names of its nodes."
                    ) from error


def _write(path: Path, ending: str, write: Callable[[Path], bool]) -> None:
    """Write whole or not at all."""
    if not path.name.lower().endswith(ending) or path.name.lower() == ending:
        raise MedCLIPSegError(f"The file name “{path.name}” must end in {ending}.")
    unicode_name(path)
    try:
        with replacing(path) as file:
            if not write(file):
                raise MedCLIPSegError(f"The file “{path}” can't be written: check free space and permissions.")
    # The bundle writer may report success without a file; it is then missing here.
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MedCLIPSegError(f"The file “{path}” can't be written ({reason}): choose another folder.") from error
