"""Prompt sheets: which text belongs to which image and mask (MedCLIPSeg's layout)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError

PROMPT_STYLES = ("original", "missing_location", "overdescriptive", "underdescriptive", "contradictory")
"""The published designs of test prompts, in the order they are told."""

REQUIRED_COLUMNS = ("Image", "Description", "Ground Truth")


@dataclass(frozen=True)
class SheetRow:
    """One prompt.

    Args:
        image: file name of the image.
        description: the prompt.
        ground_truth: file name of the mask or label map.
        label_values: labels of the label map the prompt means; empty for binary masks (more than 127 is inside).
    """

    image: str
    description: str
    ground_truth: str
    label_values: tuple[int, ...] = ()


def read_sheet(path: Path) -> list[SheetRow]:
    """Read an .xlsx or .csv prompt sheet.

    Args:
        path: file with the columns ``Image``, ``Description``, ``Ground Truth`` and, for label maps, ``Label Values``
            (numbers separated by commas).

    Raises:
        MedCLIPSegError: the file is missing, of another kind, lacks a column or holds no row.
    """
    if not path.is_file():
        raise MedCLIPSegError(f"There is no prompt sheet {path}.")
    try:
        table = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    except Exception as error:  # openpyxl raises many kinds for a damaged workbook
        raise MedCLIPSegError(f"The prompt sheet {path} cannot be read as .xlsx or .csv: {error}.") from None
    rows = [_row(entry, path, number) for number, entry in enumerate(table, start=2) if any(entry.values())]
    if not rows:
        raise MedCLIPSegError(f"The prompt sheet {path} holds no prompt.")
    return rows


def _read_xlsx(path: Path) -> list[dict[str, Any]]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        return _entries(book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return _entries(csv.reader(file))


def _entries(rows: Iterable[Iterable[Any]]) -> list[dict[str, Any]]:
    header, *body = [tuple(row) for row in rows] or [()]
    names = [str(name).strip() for name in header]
    return [dict(zip(names, row, strict=False)) for row in body]


def _row(entry: dict[str, Any], path: Path, number: int) -> SheetRow:
    for column in REQUIRED_COLUMNS:
        if entry.get(column) in (None, ""):
            raise MedCLIPSegError(f"Row {number} of {path} has nothing in the column '{column}'.")
    image, description, truth = (str(entry[column]).strip() for column in REQUIRED_COLUMNS)
    labels = str(entry.get("Label Values") or "").strip()
    try:
        values = tuple(int(part) for part in labels.split(",")) if labels else ()
    except ValueError:
        raise MedCLIPSegError(f"Row {number} of {path} has '{labels}' as 'Label Values'; give whole numbers.") from None
    return SheetRow(image, description, truth, values)
