"""What is wrong with a data set in MedCLIPSeg's layout, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from MedCLIPSegLogic.datasets.sheets import PROMPT_STYLES, SheetRow, read_sheet
from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.scratch import recover
from MedCLIPSegLogic.named_files import file_within
from MedCLIPSegLogic.volumes.readers import READERS, read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from .truth import read_truth

SPLITS = ("Train", "Val", "Test")
DATA_SHARES = (10, 25, 50)
"""Percentages of the training data that have sheets of their own."""

MASK_VALUES = (0, 255)


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Args:
        severity: "error" when training or evaluation would stop there, "warning" when they would not.
        kind: short and the same for all findings of a kind, e.g. "mask is missing".
        path: the file or folder.
        text: one sentence with the way out.
    """

    severity: Literal["error", "warning"]
    kind: str
    path: Path
    text: str


@dataclass(frozen=True, eq=False)
class CheckedImage:
    """An image that could be read, for comparisons with others.

    Args:
        path: its file.
        split: "Train", "Val" or "Test".
        volume: what it holds.
    """

    path: Path
    split: str
    volume: Volume


def splits_of(folder: Path) -> list[str]:
    """The splits a data set folder has images of.

    Raises:
        MedCLIPSegError: none at all.
    """
    recover(folder)
    found = [split for split in SPLITS if (folder / f"{split}_Folder" / "img").is_dir()]
    if not found:
        raise MedCLIPSegError(
            f"{folder} is no data set: it has none of Train_Folder/img, Val_Folder/img and Test_Folder/img."
        )
    return found


def check_split(folder: Path, split: str) -> Iterator[Finding | CheckedImage]:
    """Check one split: sheets, pairs, sizes and values.

    Args:
        folder: data set.
        split: one of ``splits_of``.

    Yields:
        What was found, and every image that could be read, once.
    """
    images, labels = folder / f"{split}_Folder" / "img", folder / f"{split}_Folder" / "label"
    prompts = folder / "Prompts_Folder"
    rows: dict[SheetRow, Path] = {}
    names = _names(split)
    paths = (prompts / f"{name}.{ending}" for name in names for ending in ("xlsx", "csv"))
    sheets = [path for path in paths if path.is_file()]
    if not sheets:
        text = f"There is no sheet {names[0]}.xlsx or .csv for the images of {split}_Folder; add one."
        yield Finding("error", "sheet is missing", prompts, text)
    for sheet in sheets:
        try:
            rows.update(dict.fromkeys(read_sheet(sheet), sheet))
        except MedCLIPSegError as error:
            yield Finding("error", "sheet cannot be read", sheet, str(error))
    if sheets:
        yield from _files_without_rows(images, {row.image for row in rows}, "image without prompt")
        yield from _files_without_rows(labels, {row.ground_truth for row in rows}, "mask without prompt")
    by_image: dict[str, list[SheetRow]] = {}
    for row in rows:
        by_image.setdefault(row.image, []).append(row)
    is_all_empty, has_truth = True, False
    for name, its_rows in by_image.items():
        read = _read_image(images, name, split, rows[its_rows[0]])
        yield read
        volume = read.volume if isinstance(read, CheckedImage) else None
        for truth in sorted({(row.ground_truth, row.label_values) for row in its_rows}):
            for finding in _check_mask(labels, *truth, volume):
                if isinstance(finding, Finding):
                    yield finding
                else:
                    has_truth, is_all_empty = True, is_all_empty and not finding
    if has_truth and is_all_empty:
        text = f"No mask of {split}_Folder has anything inside; check the masks."
        yield Finding("warning", "all masks are empty", labels, text)


def _names(split: str) -> list[str]:
    """Names of the sheets that training and evaluation read, without ending."""
    if split == "Test":
        return [f"Test_text_{style}" for style in PROMPT_STYLES]
    return [f"{split}_text", *(f"{split}_text_{share}" for share in DATA_SHARES)]


def _files_without_rows(folder: Path, named: set[str], kind: str) -> Iterator[Finding]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file() and path.name.lower().endswith(tuple(READERS)) and path.name not in named:
            text = f"No prompt names {path.name}, so it is not used; add one or remove it."
            yield Finding("warning", kind, path, text)


def _read_image(images: Path, name: str, split: str, sheet: Path) -> Finding | CheckedImage:
    path = images / name
    if file_within(images, name) is None:
        text = f"{sheet} names the image {quoted(name)}, which is not in {images}; add it or remove its prompt."
        return Finding("error", "prompt without image", path, text)
    try:
        return CheckedImage(path, split, read_volume(path))
    except MedCLIPSegError as error:
        return Finding("error", "image cannot be read", path, str(error))


def _check_mask(
    labels: Path, name: str, label_values: tuple[int, ...], image: Volume | None
) -> Iterator[Finding | bool]:
    """Findings of a mask, then whether it has anything inside, if it could be read."""
    path = labels / name
    if file_within(labels, name) is None:
        text = f"There is no mask {quoted(name)} in {labels}; add it or remove its prompt."
        yield Finding("error", "mask is missing", path, text)
        return
    try:
        voxels = read_volume(path).voxels
    except MedCLIPSegError as error:
        yield Finding("error", "mask cannot be read", path, str(error))
        return
    if image is None:
        return
    try:
        truth = read_truth(path, label_values, image)
    except MedCLIPSegError as error:
        yield Finding("error", "mask does not fit", path, str(error))
        return
    values = np.unique(voxels)
    if not label_values and not np.isin(values, MASK_VALUES).all():
        odd = ", ".join(f"{value:g}" for value in values[~np.isin(values, MASK_VALUES)][:3])
        text = f"The mask {path} holds values beside 0 and 255 ({odd}, …), of which those above 127 count as inside; "
        yield Finding("warning", "mask is not binary", path, f"{text}store it without loss.")
    missing = [value for value in label_values if value not in values]
    if missing:
        text = f"No voxel of {path} has the label {missing[0]} that its prompt means; check 'Label Values'."
        yield Finding("warning", "label is not in the mask", path, text)
    yield bool(truth.any())
