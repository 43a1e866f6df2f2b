"""Training items in memory: 8-bit slices with every prompt and mask that belongs to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import named_file
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import Plane, choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.split_rows import split_rows
from ..data.truth import read_truth

SLICES_PER_PLANE = 6
MIN_CHROMA = 4.0
"""Mean difference between the channels above which a picture has color; grey pictures are often stored as RGB."""
Rows = list[tuple[str, str, tuple[int, ...]]]
"""Prompt, mask file and label values of the rows of one image."""
VOLUME_PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")


@dataclass(frozen=True, eq=False)
class TrainingItem:
    """One 2-D image.

    Args:
        image: (S, S, 3) uint8, stretched to a square.
        targets: (prompt, (S, S) uint8 mask of 0 and 1) pairs.
        is_picture: a 2-D picture rather than a slice of a volume, whose orientation is known.
        is_color: endoscopy, dermoscopy and the like, which have no upper side.
    """

    image: NDArray[np.uint8]
    targets: tuple[tuple[str, NDArray[np.uint8]], ...]
    is_picture: bool
    is_color: bool


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Items of one data set folder; ``image_count`` counts files, ``items`` pictures and slices."""

    name: str
    items: tuple[TrainingItem, ...]
    image_count: int

    @property
    def prompts(self) -> list[str]:
        """Every prompt of the set."""
        return [text for item in self.items for text, _ in item.targets]


def require_images(folder: Path, split: str, share: int = 100, seed: int = 0) -> None:
    """Refuse a data set that lacks its sheet or an image, without reading any.

    Args:
        folder, split, share, seed: as for :func:`load_set`.

    Raises:
        MedCLIPSegError: naming what is missing.
    """
    images = folder / f"{split}_Folder" / "img"
    for name in _targets(folder, split, share, seed):
        named_file(images, name)


def load_set(
    folder: Path, split: str, size: int, share: int = 100, seed: int = 0, antialias: bool = True
) -> TrainingSet:
    """Read one split of a data set folder in MedCLIPSeg's layout.

    Args:
        folder: holds ``<split>_Folder/{img,label}`` and ``Prompts_Folder/<split>_text.xlsx`` or ``.csv``.
        split: "Train" or "Val".
        size: side S the images are stretched to.
        share: percent of the images: those of the sheet ``<split>_text_<share>`` if there is one; else, for Train, as
            many drawn by chance, and for Val all.
        seed: of that draw.
        antialias: average where images shrink; otherwise sample bilinearly, as the published weights were trained.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, a mask does not fit its image, or all masks are empty or full.
    """
    base = folder / f"{split}_Folder"
    targets = _targets(folder, split, share, seed)
    items: list[TrainingItem] = []
    for image_name, rows in targets.items():
        volume = read_volume(named_file(base / "img", image_name))
        truths = [(text, read_truth(named_file(base / "label", file), labels, volume)) for text, file, labels in rows]
        items.extend(_items(volume, truths, size, antialias))
    _check_classes(items, base / "label")
    return TrainingSet(folder.name, tuple(items), len(targets))


def _targets(folder: Path, split: str, share: int, seed: int) -> dict[str, Rows]:
    """Prompts and masks of a split by image."""
    targets: dict[str, Rows] = {}
    for row in split_rows(folder, split, share, seed):
        targets.setdefault(row.image, []).append((row.description, row.ground_truth, row.label_values))
    return targets


def _check_classes(items: Sequence[TrainingItem], labels: Path) -> None:
    masks = [mask for item in items for _, mask in item.targets]
    if not any(mask.any() for mask in masks):
        raise MedCLIPSegError(f"All masks of {labels} are empty; there is nothing to learn from them.")
    if all(mask.all() for mask in masks):
        raise MedCLIPSegError(f"All masks of {labels} cover their whole images; there is nothing to learn from them.")


def _items(
    volume: Volume, truths: list[tuple[str, NDArray[np.bool_]]], size: int, antialias: bool
) -> Iterator[TrainingItem]:
    mapping = resolve(default_rule(volume), volume)
    is_picture = volume.is_single_slice
    for plane in ("auto",) if is_picture else VOLUME_PLANES:
        axis = choose_axis(volume, plane)
        for index in np.unique(np.linspace(0, axis.count - 1, SLICES_PER_PLANE + 2).round().astype(int)[1:-1]):
            pixels = mapping.apply(axis.extract(volume.voxels, int(index)))
            color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
            yield TrainingItem(
                shrink(color, size, antialias),
                tuple((text, _shrink_mask(axis.extract(truth, int(index)), size)) for text, truth in truths),
                is_picture,
                float(np.ptp(color, axis=2).mean()) > MIN_CHROMA,
            )


def shrink(pixels: NDArray[np.uint8], size: int, antialias: bool = True) -> NDArray[np.uint8]:
    """Stretch an 8-bit picture to a square of side ``size``, averaging where it shrinks unless told otherwise."""
    interpolation = cv2.INTER_AREA if antialias and min(pixels.shape[:2]) >= size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=interpolation), dtype=np.uint8)


def _shrink_mask(mask: NDArray[np.generic], size: int) -> NDArray[np.uint8]:
    return (shrink(mask.astype(np.uint8) * 255, size) > 127).astype(np.uint8)
