"""What is segmented while it is measured: single slices with a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..datasets.sheets import read_sheet
from ..errors import MedCLIPSegError
from ..volumes.planes import Plane, choose_axis
from ..volumes.readers import read_volume
from ..volumes.volume import Volume
from ..workflows.demo import CASES, bundled_cases

TEST_SHEETS = ("Test_text_original.xlsx", "Test_text_original.csv", "Test_text.xlsx", "Test_text.csv")


@dataclass(frozen=True, eq=False)
class Case:
    """One slice of an image and what to look for in it."""

    volume: Volume
    plane: Plane
    index: int
    prompt: str


def demo_cases() -> list[Case]:
    """The bundled demo cases; of the volume, its middle slice."""
    return [_middle_slice(read_volume(CASES / case.image), case.plane, case.prompt) for case in bundled_cases()]


def data_set_cases(folders: Sequence[Path], limit: int | None) -> list[Case]:
    """Test images of data sets in MedCLIPSeg's layout with their original prompts; of volumes, the middle slice.

    Args:
        folders: with ``Test_Folder/img`` and ``Prompts_Folder/Test_text_original.xlsx``.
        limit: images a data set, evenly from its sheet; None for all.

    Raises:
        MedCLIPSegError: a data set has no test prompts.
    """
    cases = []
    for folder in folders:
        sheet = next((path for name in TEST_SHEETS if (path := folder / "Prompts_Folder" / name).is_file()), None)
        if sheet is None:
            raise MedCLIPSegError(f"The data set {folder} has no prompts for its test images ({TEST_SHEETS[0]}).")
        rows = read_sheet(sheet)
        count = min(limit or len(rows), len(rows))
        for row in (rows[number * len(rows) // count] for number in range(count)):
            volume = read_volume(folder / "Test_Folder" / "img" / row.image)
            cases.append(_middle_slice(volume, "auto", row.description))
    return cases


def _middle_slice(volume: Volume, plane: Plane, prompt: str) -> Case:
    return Case(volume, plane, choose_axis(volume, plane).count // 2, prompt)
