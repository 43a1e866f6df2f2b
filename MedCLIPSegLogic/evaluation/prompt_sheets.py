"""Prompt sheets to evaluate on, by data set and prompt style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..datasets.sheets import PROMPT_STYLES, SheetRow, read_sheet
from ..errors import MedCLIPSegError

_PREFIX = "Test_text_"


@dataclass(frozen=True)
class PromptSheet:
    """Prompts of one set and one style.

    Args:
        set: name of the data set.
        style: design of the prompts, e.g. "original"; empty when nobody says.
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
        return read_sheet(self.path)[:limit]


def find_test_sheets(folders: Sequence[Path], styles: Sequence[str]) -> list[PromptSheet]:
    """Find the sheets of the Test folders of data sets in MedCLIPSeg's layout.

    Args:
        folders: data sets.
        styles: prompt styles in the order they are wanted; none for the published ones. A set may lack some of them.

    Returns:
        The sheets, set by set.

    Raises:
        MedCLIPSegError: a set has no Test folder or none of the styles.
    """
    if len({folder.resolve().name for folder in folders}) < len(folders):
        raise MedCLIPSegError("Two data set folders have the same name; rename one of them.")
    return [sheet for folder in folders for sheet in _sheets(folder, styles)]


def _sheets(folder: Path, styles: Sequence[str]) -> list[PromptSheet]:
    base = folder / "Test_Folder"
    if not (base / "img").is_dir():
        raise MedCLIPSegError(f"The data set {folder} has no Test_Folder/img; give a data set with test images.")
    prompts = folder / "Prompts_Folder"
    found = {
        path.stem.removeprefix(_PREFIX): path
        for ending in ("csv", "xlsx")
        for path in sorted(prompts.glob(f"{_PREFIX}*.{ending}"))
    }
    wanted = [style for style in styles or PROMPT_STYLES if style in found]
    if not wanted:
        names = ", ".join(found) or "none at all"
        raise MedCLIPSegError(
            f"{prompts} has no sheet {_PREFIX}<style>.xlsx or .csv of the wanted styles; it has {names}."
        )
    name = folder.resolve().name
    return [PromptSheet(name, style, found[style], base / "img", base / "label") for style in wanted]
