"""New cases for training sets in MedCLIPSeg's layout."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..reporting.slugs import slugs
from ..volumes.itk_images import to_image
from ..volumes.volume import Volume
from .sheets import REQUIRED_COLUMNS, read_sheet

Split = Literal["Train", "Val", "Test"]
HEADER = (*REQUIRED_COLUMNS, "Label Values")


def append_training_row(folder: Path, split: Split, image: Volume, mask: NDArray[np.uint8], prompt: str) -> Path:
    """Add an image, its mask and its prompt to a training set; the set is made when missing.

    Pictures become PNG files, masks of them 0 and 255; volumes become NIfTI files, masks of them label 1. The prompt
    goes to ``Prompts_Folder/<split>_text.csv``. No file is ever replaced: a name that is taken gets a number.

    Args:
        folder: of the set, with or without the folders of the layout.
        split: part of the set.
        image: (K, J, I) or (K, J, I, 3).
        mask: (K, J, I) of 0 and 1.
        prompt: what the mask shows.

    Returns:
        The sheet.

    Raises:
        MedCLIPSegError: the prompt is empty, the sheet is damaged or an .xlsx file, or a file can't be written;
            nothing was added then.
    """
    if not prompt.strip():
        raise MedCLIPSegError("The prompt is empty; type what the mask shows.")
    sheet = folder / "Prompts_Folder" / f"{split}_text.csv"
    if sheet.with_suffix(".xlsx").is_file():
        raise MedCLIPSegError(
            f"The prompts of this set are in {sheet.with_suffix('.xlsx')}; save it as {sheet.name} first."
        )
    rows = [list(row) for row in _rows(sheet)]
    is_picture = not image.spacing_known and image.shape[0] == 1
    ending = ".png" if is_picture else ".nii.gz"
    images, labels = folder / f"{split}_Folder" / "img", folder / f"{split}_Folder" / "label"
    name = _free_name(slugs([image.name])[0], ending, images, labels)
    rows.append([name, prompt.strip(), name, "" if is_picture else "1"])
    added: list[Path] = []
    try:
        for place in (images, labels, sheet.parent):
            place.mkdir(parents=True, exist_ok=True)
        for place, voxels in ((images, image.voxels), (labels, mask * np.uint8(255) if is_picture else mask)):
            added.append(place / name)
            _write(voxels, image, place / name, is_picture)
        _replace(sheet, rows)
    except (OSError, RuntimeError) as error:
        for path in added:
            path.unlink(missing_ok=True)
        raise MedCLIPSegError(f"The case can't be added to {folder}: check free space and permissions.") from error
    return sheet


def _rows(sheet: Path) -> list[tuple[str, str, str, str]]:
    if not sheet.exists():
        return []
    rows = read_sheet(sheet)
    return [(row.image, row.description, row.ground_truth, ",".join(map(str, row.label_values))) for row in rows]


def _free_name(stem: str, ending: str, *folders: Path) -> str:
    name, number = f"{stem}{ending}", 1
    while any((folder / name).exists() for folder in folders):
        number += 1
        name = f"{stem}-{number}{ending}"
    return name


def _write(voxels: NDArray[np.generic], image: Volume, path: Path, is_picture: bool) -> None:
    if is_picture:
        picture = voxels[0] if voxels.dtype == np.uint8 else _to_8_bit(voxels[0])
        sitk.WriteImage(sitk.GetImageFromArray(picture, isVector=picture.ndim == 3), str(path))
    else:
        sitk.WriteImage(to_image(voxels, image.ijk_to_ras), str(path), useCompression=True)


def _to_8_bit(picture: NDArray[np.generic]) -> NDArray[np.uint8]:
    values = picture.astype(np.float64)
    low, high = values.min(), values.max()
    return np.round((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)


def _replace(sheet: Path, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows(rows)
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=sheet.parent) as folder:
        file = Path(folder) / sheet.name
        file.write_text(text.getvalue(), encoding="utf-8", newline="")
        file.replace(sheet)
