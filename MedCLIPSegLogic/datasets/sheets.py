"""Prompt sheets: which text belongs to which image and mask (MedCLIPSeg's layout)."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError, quoted
from ..files.text_reading import read_bytes, read_text
from ..named_files import file_within

PROMPT_STYLES = ("original", "missing_location", "overdescriptive", "underdescriptive", "contradictory")
"""The published designs of test prompts, in the order they are told."""

REQUIRED_COLUMNS = ("Image", "Description", "Ground Truth")
CLASS_COLUMN = "Class"
MAX_UNPACKED_BYTES = 256 * 2**20
MOST_ROWS = 200_000
"""More than any set has prompts."""


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


@dataclass(frozen=True)
class PromptRow:
    """One prompt on an image whose mask nobody knows.

    Args:
        image: file name of the image.
        description: the prompt.
        class_name: what the prompt is an example of; empty when the sheet does not tell classes apart.
    """

    image: str
    description: str
    class_name: str


def read_sheet(path: Path) -> list[SheetRow]:
    """Read an .xlsx or .csv prompt sheet.

    Args:
        path: file with the columns ``Image``, ``Description``, ``Ground Truth`` and, for label maps, ``Label Values``
            (numbers separated by commas).

    Raises:
        MedCLIPSegError: the file is missing, of another kind, lacks a column or holds no row.
    """
    return [_row(entry, path, number) for number, entry in _numbered_entries(path)]


def read_prompts(path: Path) -> list[PromptRow]:
    """Read the prompts of an .xlsx or .csv sheet that may lack the masks.

    Args:
        path: file with the columns ``Image``, ``Description`` and, to tell classes apart, ``Class``.

    Raises:
        MedCLIPSegError: the file is missing, of another kind, lacks a column or holds no row.
    """
    rows = []
    for number, entry in _numbered_entries(path):
        image, description = (_cell(entry, column, path, number) for column in REQUIRED_COLUMNS[:2])
        rows.append(PromptRow(image, description, str(entry.get(CLASS_COLUMN) or "").strip()))
    return rows


def named_file(folder: Path, name: str) -> Path:
    """The file of an image or a mask that a sheet names.

    Args:
        folder: of the images or of the masks.
        name: as in the sheet.

    Raises:
        MedCLIPSegError: there is none, it is no regular file, or it lies, perhaps by a link, outside the folder.
    """
    path = file_within(folder, name)
    if path is None:
        raise MedCLIPSegError(
            f"A prompt sheet names the file '{quoted(name)}', which is not in {folder}; put it there or correct the "
            "sheet."
        )
    return path


def _numbered_entries(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Cells of the rows that are not blank by column, and the number of each row in the file."""
    try:
        if path.suffix.lower() == ".xlsx":
            table = _read_xlsx(path)
        else:
            table = _entries(csv.reader(io.StringIO(read_text(path), newline="")))
    except FileNotFoundError:
        raise MedCLIPSegError(f"There is no prompt sheet {path}.") from None
    except MedCLIPSegError:
        raise
    except Exception as error:  # openpyxl raises many kinds for a damaged workbook
        raise MedCLIPSegError(f"The prompt sheet {path} cannot be read as .xlsx or .csv: {quoted(error)}.") from None
    entries = [(number, entry) for number, entry in enumerate(table, start=2) if any(entry.values())]
    if not entries:
        raise MedCLIPSegError(f"The prompt sheet {path} holds no prompt.")
    return entries


def _read_xlsx(path: Path) -> list[dict[str, Any]]:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise MedCLIPSegError(
            f"The prompt sheet {path} is .xlsx, for which openpyxl is missing; save it as .csv, or run pip install "
            '"medclipseg[lab]".'
        ) from None
    content = io.BytesIO(read_bytes(path))
    with zipfile.ZipFile(content) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise MedCLIPSegError(f"The prompt sheet {path} unpacks to far more than prompts; save it as .csv.")
    book = openpyxl.load_workbook(content, read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file claims; rows would be filled up to it
        rows = list(islice(sheet.iter_rows(values_only=True), MOST_ROWS + 1))
    finally:
        book.close()
    if len(rows) > MOST_ROWS:
        raise MedCLIPSegError(f"The prompt sheet {path} has more than {MOST_ROWS} rows; save its prompts as .csv.")
    return _entries(rows)


def _entries(rows: Iterable[Iterable[Any]]) -> list[dict[str, Any]]:
    header, *body = [tuple(row) for row in rows] or [()]
    names = [str(name).strip() for name in header]
    return [dict(zip(names, row, strict=False)) for row in body]


def _cell(entry: dict[str, Any], column: str, path: Path, number: int) -> str:
    if entry.get(column) in (None, ""):
        raise MedCLIPSegError(f"Row {number} of {path} has nothing in the column '{column}'.")
    return str(entry[column]).strip()


def _row(entry: dict[str, Any], path: Path, number: int) -> SheetRow:
    image, description, truth = (_cell(entry, column, path, number) for column in REQUIRED_COLUMNS)
    labels = str(entry.get("Label Values") or "").strip()
    try:
        values = tuple(int(part) for part in labels.split(",")) if labels else ()
    except ValueError:
        raise MedCLIPSegError(
            f"Row {number} of {path} has '{quoted(labels)}' as 'Label Values'; give whole numbers."
        ) from None
    return SheetRow(image, description, truth, values)


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
    old = read_bytes(sheet) if sheet.exists() else b""
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
