"""Images of a folder with the prompts that belong to them, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from MedCLIPSegLogic.datasets.sheets import read_prompts
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.replacing import replacing
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import SliceAxis, choose_axis
from MedCLIPSegLogic.volumes.readers import READERS, read_volume
from MedCLIPSegLogic.volumes.volume import Volume


@dataclass(frozen=True)
class PromptedImage:
    """An image file and what to look for in it.

    Args:
        path: of the image.
        stem: its name without the extension, by which all files made of it are named.
        prompts: texts; the masks of several are united.
    """

    path: Path
    stem: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class ClassImages:
    """What one network learns: a class by itself, as both published systems are binary.

    Args:
        name: from the sheet's column ``Class``; empty when all prompts mean the same.
        images: with a prompt for the class.
    """

    name: str
    images: tuple[PromptedImage, ...]


@dataclass(frozen=True, eq=False)
class Slice:
    """An image of a single slice.

    Args:
        volume: as it was read.
        axis: how the slice lies in it.
        pixels: (H, W, 3) uint8 as displayed.
    """

    volume: Volume
    axis: SliceAxis
    pixels: NDArray[np.uint8]

    def on_grid(self, displayed: NDArray[np.generic]) -> NDArray[np.generic]:
        """A map (H, W) of the displayed slice as (K, J, I) of the volume."""
        target = np.zeros(self.volume.shape, displayed.dtype)
        self.axis.insert(target, 0, displayed)
        return target


def find_images(folder: Path) -> dict[str, Path]:
    """Image files of a folder by their stems, in the order of their names.

    Raises:
        MedCLIPSegError: there is no such folder, no image in it, or two images differ in the extension alone.
    """
    if not folder.is_dir():
        raise MedCLIPSegError(f"There is no folder {folder}; give a folder with images.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        stem = _stem(path.name)
        if stem is None or path.name.startswith(".") or not path.is_file():
            continue
        if stem in found:
            raise MedCLIPSegError(f"{path} and {found[stem].name} have the same name; rename one of them.")
        found[stem] = path
    if not found:
        raise MedCLIPSegError(f"The folder {folder} holds no image.")
    return found


def pair_prompts(
    folder: Path, sheet: Path | None, prompt: str | None
) -> tuple[tuple[ClassImages, ...], tuple[str, ...]]:
    """Find out what to look for in which image.

    Args:
        folder: of the images.
        sheet: .csv or .xlsx file with the columns ``Image``, ``Description`` and optionally ``Class``; images are found
            by name, also when the sheet has another extension. None with ``prompt``.
        prompt: for all images.

    Returns:
        The classes in the order of the sheet, and the names of images that have no prompt.

    Raises:
        MedCLIPSegError: not exactly one of sheet and prompt is given, or the sheet is damaged or names images that are
            not there.
    """
    if (sheet is None) == (prompt is None):
        raise MedCLIPSegError("Give either a prompt sheet (--prompts) or one --prompt for all images.")
    images = find_images(folder)
    if sheet is None:
        text = " ".join((prompt or "").split())
        if not text:
            raise MedCLIPSegError("The prompt is empty; type what to look for.")
        return (ClassImages("", tuple(PromptedImage(path, stem, (text,)) for stem, path in images.items())),), ()
    wanted: dict[str, dict[str, list[str]]] = {}
    for row in read_prompts(sheet):
        stem = row.image if row.image in images else _stem(row.image) or row.image
        if stem not in images:
            raise MedCLIPSegError(
                f"The prompt sheet {sheet} names the image {quoted(row.image)}, which is not in {folder}."
            )
        texts = wanted.setdefault(row.class_name, {}).setdefault(stem, [])
        if row.description not in texts:
            texts.append(row.description)
    if "" in wanted and len(wanted) > 1:
        raise MedCLIPSegError(f"Some rows of {sheet} have nothing in the column 'Class'; fill it in for all or none.")
    classes = tuple(
        ClassImages(
            name, tuple(PromptedImage(images[stem], stem, tuple(rows[stem])) for stem in images if stem in rows)
        )
        for name, rows in wanted.items()
    )
    used = {stem for rows in wanted.values() for stem in rows}
    return classes, tuple(path.name for stem, path in images.items() if stem not in used)


def read_slice(path: Path) -> Slice:
    """Read an image of a single slice.

    Raises:
        MedCLIPSegError: unreadable, or a volume of several slices.
    """
    volume = read_volume(path)
    if not volume.is_single_slice:
        raise MedCLIPSegError(
            f"{path} is a volume of several slices, but the weakly supervised methods take 2-D images; save its "
            "slices as images."
        )
    axis = choose_axis(volume, "auto")
    pixels = resolve(default_rule(volume), volume).apply(axis.extract(volume.voxels, 0))
    return Slice(volume, axis, np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Replace a picture (H, W) or (H, W, 3) whole.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    with replacing(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")


def _stem(name: str) -> str | None:
    """Name without the extension of an image; None when it has none."""
    ending = next((known for known in READERS if name.lower().endswith(known)), None)
    return None if ending is None else name[: -len(ending)]
