"""Prompt sheets with one row more."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from ..errors import MedCLIPSegError
from .sheets import REQUIRED_COLUMNS, read_sheet

LABEL_COLUMN = "Label Values"


def with_row(sheet: Path, image: str, description: str, ground_truth: str) -> bytes:
    """Return the text of a .csv sheet with a row more, or of a new sheet; all other rows stay as they are.

    Args:
        sheet: file with the columns ``Image``, ``Description``, ``Ground Truth`` and perhaps ``Label Values``.
        image, ground_truth: file names; the mask holds 0 and 255.
        description: the prompt, on one line.

    Raises:
        MedCLIPSegError: the sheet is damaged, has other columns, or the prompts of this part are in an .xlsx file.
    """
    workbook = sheet.with_suffix(".xlsx")
    if workbook.exists():
        raise MedCLIPSegError(
            f"The prompts of this set are in {workbook}, which can't be added to; save it as {sheet.name} and remove "
            "it, or choose another folder."
        )
    old = sheet.read_bytes() if sheet.exists() else b""
    if not old.strip():
        return _line(list(REQUIRED_COLUMNS)) + _line([image, description, ground_truth])
    columns = _checked_columns(sheet, old)
    cells = {"Image": image, "Description": description, "Ground Truth": ground_truth, LABEL_COLUMN: ""}
    missing_end = b"" if old.endswith((b"\n", b"\r")) else b"\r\n"
    return old + missing_end + _line([cells[column] for column in columns])


def _checked_columns(sheet: Path, content: bytes) -> list[str]:
    """The columns of a sheet to which a row can be added without harm."""
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise MedCLIPSegError(
            f"The prompt sheet {sheet} is damaged or not a .csv file in UTF-8; mend it or choose another folder."
        ) from error
    columns = [cell.strip() for cell in rows[0]]
    if set(columns) - {LABEL_COLUMN} != set(REQUIRED_COLUMNS) or len(set(columns)) != len(columns):
        raise MedCLIPSegError(
            f"The prompt sheet {sheet} has other columns than {', '.join(REQUIRED_COLUMNS)} and {LABEL_COLUMN}; "
            "choose another folder."
        )
    if any(rows[1:]):
        read_sheet(sheet)
    return columns


def _line(cells: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    # A lone surrogate can't be written; it never stands for a word.
    return text.getvalue().encode("utf-8", "replace")
