"""Prompt sheets to evaluate on, by data set and prompt style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import PROMPT_STYLES, SheetRow, named_file, read_sheet
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.scratch import recover
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from .made_styles import MADE_STYLES
from .truth import read_truth

ORIGINAL = "original"
Split = Literal["Test", "Val"]


@dataclass(frozen=True)
class PromptSheet:
    """Prompts of one set and one style.

    Args:
        set: name of the data set.
        style: design of the prompts, e.g. "original"; empty when nobody says. One of ``MADE_STYLES`` is made from the
            prompts of the file.
        path: .xlsx or .csv sheet.
        images, labels: folders of the files the sheet names.
    """

    set: str
    style: str
    path: Path
    images: Path
    labels: Path

    def rows(self, limit: int | None = None) -> list[SheetRow]:
        """Its rows, the first ``limit`` only unless None; raises MedCLIPSegError as ``read_sheet``."""
        rows = read_sheet(self.path)
        make = MADE_STYLES.get(self.style)
        return (rows if make is None else make(rows))[:limit]

    def require_files(self, rows: Sequence[SheetRow]) -> None:
        """Refuse rows whose image or mask is not there, without reading any.

        Raises:
            MedCLIPSegError: naming the first.
        """
        for row in rows:
            named_file(self.images, row.image)
            named_file(self.labels, row.ground_truth)

    def image(self, row: SheetRow) -> Volume:
        """The image of a row.

        Raises:
            MedCLIPSegError: it is missing, lies outside the folder of images, or is unreadable.
        """
        return read_volume(named_file(self.images, row.image))

    def truth(self, row: SheetRow, image: Volume) -> NDArray[np.bool_]:
        """The known mask (K, J, I) of a row, on the grid of its image.

        Raises:
            MedCLIPSegError: it is missing, lies outside the folder of masks, is unreadable or does not fit.
        """
        return read_truth(named_file(self.labels, row.ground_truth), row.label_values, image)


def has_style(folder: Path, style: str) -> bool:
    """True if the Test folder of a data set has a sheet of a style, or one can be made."""
    return _find(folder, style, "Test") is not None


def find_sheets(folders: Sequence[Path], styles: Sequence[str], split: Split = "Test") -> list[PromptSheet]:
    """Find the sheets of one split of data sets in MedCLIPSeg's layout.

    Args:
        folders: data sets.
        styles: prompt styles in the order they are wanted, ``MADE_STYLES`` among them; none for the published ones. A
            set may lack some of them.
        split: whose images; Val has original prompts only.

    Returns:
        The sheets, set by set.

    Raises:
        MedCLIPSegError: a set has no such folder or none of the styles.
    """
    if len({folder.resolve().name for folder in folders}) < len(folders):
        raise MedCLIPSegError("Two data set folders have the same name; rename one of them.")
    return [sheet for folder in folders for sheet in _sheets(folder, styles, split)]


def _sheets(folder: Path, styles: Sequence[str], split: Split) -> list[PromptSheet]:
    recover(folder)
    if not (folder / f"{split}_Folder" / "img").is_dir():
        raise MedCLIPSegError(f"The data set {folder} has no {split}_Folder/img; give a data set with such images.")
    sheets = [_find(folder, style, split) for style in styles or PROMPT_STYLES]
    found = [sheet for sheet in sheets if sheet is not None]
    if not found:
        prompts = folder / "Prompts_Folder"
        names = ", ".join(sorted(path.name for path in prompts.glob(f"{split}_text*"))) or "none at all"
        raise MedCLIPSegError(f"{prompts} has no {split} sheet of the wanted styles; it has {names}.")
    return found


def find_sheet(folder: Path, name: str) -> Path | None:
    """The sheet of a name without ending, .xlsx before .csv, in a data set's folder; None without one."""
    paths = (folder / "Prompts_Folder" / f"{name}.{ending}" for ending in ("xlsx", "csv"))
    return next((path for path in paths if path.is_file()), None)


def _find(folder: Path, style: str, split: Split) -> PromptSheet | None:
    base = folder / f"{split}_Folder"
    for name in (style, ORIGINAL) if style in MADE_STYLES else (style,):
        path = find_sheet(folder, f"{split}_text" if split == "Val" and name == ORIGINAL else f"{split}_text_{name}")
        if path is not None:
            # A sheet of the set's own is taken as it is.
            shown = style if name == ORIGINAL or style not in MADE_STYLES else ""
            return PromptSheet(folder.resolve().name, shown, path, base / "img", base / "label")
    return None
