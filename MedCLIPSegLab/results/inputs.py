"""What may be given to be segmented: one image or several, in files or in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydicom.misc import is_dicom

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.slugs import free_name
from MedCLIPSegLogic.volumes.readers import READERS, read_volume
from MedCLIPSegLogic.volumes.volume import Volume

DICOM_ENDING = ".dcm"
IMAGE_ENDINGS = tuple(ending for ending in READERS if ending != DICOM_ENDING)
NAME = "image"


def images_by_name(given: Any) -> dict[str, Any] | None:
    """Several images by names that differ: those of their files without the extension; None where one image is given.

    Args:
        given: a list, tuple or iterator of images, or a folder with image files, none of them DICOM; else it is one.

    Raises:
        MedCLIPSegError: there is no image among them.
    """
    if isinstance(given, (list, tuple, Iterator)):
        images = list(given)
        if not images:
            raise MedCLIPSegError("There is no image to segment in the list; give at least one.")
    elif isinstance(given, (str, Path)) and Path(given).is_dir():
        images = _image_files(Path(given))
        if not images:
            return None
    else:
        return None
    named: dict[str, Any] = {}
    taken: set[str] = set()  # in one letter case, as some systems know no other
    for image in images:
        name = free_name(_name(image), "", lambda name: name.casefold() in taken)
        taken.add(name.casefold())
        named[name] = image
    return named


def volume_of(image: Any, spacing: Sequence[float] | None) -> Volume:
    """One image: a file, a folder of DICOM, an image in memory (see ``read_volume``), or a volume node of MRML.

    Raises:
        MedCLIPSegError: it cannot be read.
    """
    if spacing is None and hasattr(image, "IsA") and image.IsA("vtkMRMLVolumeNode"):
        # Where there is a node, its library is there too.
        from MedCLIPSegLogic.scene.volumes import volume_from_node

        return volume_from_node(image)
    return read_volume(image, spacing)


def source_of(image: Any, volume: Volume) -> str:
    """What a record names as the input: the path as it was given, or the name of the image."""
    return str(image) if isinstance(image, (str, Path)) else volume.name


def _image_files(folder: Path) -> list[Path]:
    """The image files of a folder by name; none where it holds DICOM, which is one image."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    images = [path for path in files if path.name.lower().endswith(IMAGE_ENDINGS)]
    others = (path for path in files if not path.name.lower().endswith(IMAGE_ENDINGS))
    return [] if any(path.name.lower().endswith(DICOM_ENDING) or is_dicom(path) for path in others) else images


def _name(image: Any) -> str:
    if not isinstance(image, (str, Path)):
        return NAME
    name = Path(image).resolve().name
    ending = next((known for known in READERS if name.lower().endswith(known)), "")
    return name[: len(name) - len(ending)] or NAME
