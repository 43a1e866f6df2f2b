"""What is segmented while it is measured: single slices with a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from MedCLIPSegLogic.volumes.planes import Plane, choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import find_sheets
from ..results.demo import CASES, bundled_cases


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
        MedCLIPSegError: a data set has no test images or original prompts.
    """
    cases = []
    for sheet in find_sheets(folders, ["original"]):
        rows = sheet.rows()
        count = min(limit or len(rows), len(rows))
        for row in (rows[number * len(rows) // count] for number in range(count)):
            volume = read_volume(sheet.images / row.image)
            cases.append(_middle_slice(volume, "auto", row.description))
    return cases


def _middle_slice(volume: Volume, plane: Plane, prompt: str) -> Case:
    return Case(volume, plane, choose_axis(volume, plane).count // 2, prompt)
