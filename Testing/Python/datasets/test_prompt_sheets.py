"""Prompt sheets in both formats, and what is wrong with bad ones."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from MedCLIPSegLogic.datasets.sheets import SheetRow, read_sheet
from MedCLIPSegLogic.errors import MedCLIPSegError

HEADER = ["Image", "Description", "Ground Truth", "Label Values"]
ROWS = [["a.png", "one small tumor, left", "a_mask.png", ""], ["b.nii.gz", "Ödem | links", "b.nii.gz", "1, 3"]]


def write(path: Path, table: list[list]) -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in table:
            book.active.append(row)
        book.save(path)
    else:
        lines = [",".join(f'"{cell}"' for cell in row) for row in table]
        path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["sheet.xlsx", "sheet.csv"])
def test_rows_are_read(tmp_path: Path, name: str) -> None:
    rows = read_sheet(write(tmp_path / name, [HEADER, *ROWS]))
    assert rows == [
        SheetRow("a.png", "one small tumor, left", "a_mask.png", ()),
        SheetRow("b.nii.gz", "Ödem | links", "b.nii.gz", (1, 3)),
    ]


@pytest.mark.parametrize("name", ["sheet.xlsx", "sheet.csv"])
def test_label_values_are_optional(tmp_path: Path, name: str) -> None:
    rows = read_sheet(write(tmp_path / name, [HEADER[:3], ROWS[0][:3]]))
    assert rows[0].label_values == ()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([HEADER], "holds no prompt"),
        ([["Image", "Text", "Ground Truth"], ["a", "b", "c"]], "row 2 .* 'Description'"),
        ([HEADER, ["a.png", "", "c.png", ""]], "Row 2 .* 'Description'"),
        ([HEADER, ["a.png", "x", "c.png", "one"]], "'one' as 'Label Values'"),
    ],
)
@pytest.mark.parametrize("name", ["sheet.xlsx", "sheet.csv"])
def test_bad_sheets_are_named(tmp_path: Path, name: str, table: list[list], words: str) -> None:
    with pytest.raises(MedCLIPSegError, match=f"(?i){words}"):
        read_sheet(write(tmp_path / name, table))


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="no prompt sheet"):
        read_sheet(tmp_path / "none.xlsx")
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(MedCLIPSegError, match=r"bad\.xlsx cannot be read"):
        read_sheet(tmp_path / "bad.xlsx")
