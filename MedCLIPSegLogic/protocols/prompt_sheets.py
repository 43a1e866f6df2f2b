"""Test sheets of a prompt style: those of the data set, and two made from its original prompts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ..atomic_file import write_text
from ..datasets.sheet_writing import LABEL_COLUMN
from ..datasets.sheets import REQUIRED_COLUMNS, SheetRow, read_sheet
from ..errors import MedCLIPSegError
from ..training import prompts
from ..training.prompt_data import prompt_data
from ..training.prompt_styles import fill, thing

NO_LABEL = -1
"""A label that no mask holds, so that the truth is empty."""


def has_style(data: Path, style: str) -> bool:
    """True if a data set has a test sheet of a style, or one can be made of its original prompts."""
    styles = {style, "original"} if style in ("neutral", "absent") else {style}
    names = [f"Test_text_{name}.{ending}" for name in styles for ending in ("xlsx", "csv")]
    return any((data / "Prompts_Folder" / name).is_file() for name in names)


def style_sheet(data: Path, style: str, made: Path) -> Path:
    """The prompt sheet of a style.

    Args:
        data: data set folder.
        style: ending of ``Test_text_<style>``; "neutral" asks for the same things in wordings that no training uses,
            "absent" asks for things from other parts of the body, whose masks are empty.
        made: folder for the sheets that are made.

    Raises:
        MedCLIPSegError: there is no such sheet, or nothing is known that the images cannot show.
    """
    folder = data / "Prompts_Folder"
    for ending in ("xlsx", "csv"):
        path = folder / f"Test_text_{style}.{ending}"
        if path.is_file():
            return path
    if style not in ("neutral", "absent"):
        raise MedCLIPSegError(f"The data set {data} has no Prompts_Folder/Test_text_{style}.xlsx or .csv.")
    rows = read_sheet(style_sheet(data, "original", made))
    changed = neutral_rows(rows) if style == "neutral" else absent_rows(rows)
    if not changed:
        raise MedCLIPSegError(
            f"The prompts of {data} do not tell what its images cannot show; leave out the style absent."
        )
    made.mkdir(parents=True, exist_ok=True)
    path = made / f"{data.name}_{style}.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*REQUIRED_COLUMNS, LABEL_COLUMN])
    for row in changed:
        labels = ",".join(str(value) for value in row.label_values)
        writer.writerow([row.image, row.description, row.ground_truth, labels])
    write_text(path, text.getvalue())
    return path


def neutral_rows(rows: list[SheetRow]) -> list[SheetRow]:
    """The things alone in wordings held out from training; images without a finding are asked for one as well."""
    templates = prompt_data().neutral
    findings = [thing(row.description) for row in rows if not prompts.names_absence(row.description)]
    asked = []
    for number, row in enumerate(rows):
        absent = prompts.names_absence(row.description) and findings
        target = findings[number % len(findings)] if absent else thing(row.description)
        text = fill(templates[number % len(templates)], target)
        asked.append(SheetRow(row.image, text, row.ground_truth, row.label_values))
    return asked


def absent_rows(rows: list[SheetRow]) -> list[SheetRow]:
    """Things never asked for in training that the images cannot show; empty when nothing is known of the images."""
    things = prompt_data().things_elsewhere(prompts.anatomy([row.description for row in rows]), held_out=True)
    templates = prompt_data().neutral
    if not things:
        return []
    texts = [fill(templates[n % len(templates)], things[n % len(things)]) for n in range(len(rows))]
    return [SheetRow(row.image, text, row.ground_truth, (NO_LABEL,)) for row, text in zip(rows, texts, strict=True)]
