"""The rows of a data set that a training sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MedCLIPSegLogic.datasets.sheets import SheetRow, read_sheet
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.scratch import recover

from .prompt_sheets import find_sheet


def split_rows(folder: Path, split: str, share: int = 100, seed: int = 0) -> list[SheetRow]:
    """The rows of one split, or of a share of its images.

    Args:
        folder: data set in MedCLIPSeg's layout.
        split: "Train" or "Val".
        share: percent of the images: those of the sheet ``<split>_text_<share>`` if there is one; else, for Train, as
            many drawn by chance, and for Val all.
        seed: of that draw.

    Raises:
        MedCLIPSegError: there is no sheet, or it is damaged.
    """
    recover(folder)
    sheet = find_sheet(folder, f"{split}_text_{share}") if share < 100 else None
    drawn = sheet is None and share < 100 and split == "Train"
    sheet = sheet or find_sheet(folder, f"{split}_text")
    if sheet is None:
        raise MedCLIPSegError(f"The data set {folder} has no Prompts_Folder/{split}_text.xlsx or .csv.")
    rows = read_sheet(sheet)
    if not drawn:
        return rows
    # At least one image; a larger share of the same seed holds the smaller one.
    names = np.random.default_rng(seed).permutation(sorted({row.image for row in rows}))
    chosen = set(names[: max(1, round(share / 100 * len(names)))])
    return [row for row in rows if row.image in chosen]
