"""Damaged prompt sheets and tables of pairs."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from damages import TEXTS, damaged_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import accept
from PIL import Image

EXAMPLES = 130
COLUMNS = ["Image", "Description", "Ground Truth", "Label Values"]
NAMES = (
    *TEXTS,
    "a.png",
    "b.png",
    "sub/a.png",
    "fifo.png",
    "leads-out.png",
    ".",
    "..",
    "/dev/zero",
    "a.png/",
    "A" * 300 + ".png",
)
CELLS = st.sampled_from((*NAMES, 0, -1, 1.5, 10**20, True, None, "1,2", "1,", "9" * 5000, "=1+1", "255", "1e3"))
CSV = (
    b'Image,Description,Ground Truth,Label Values\r\na.png,a thing,a.png,\r\n"b.png","two\nlines, quoted",b.png,255\r\n'
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of images, known masks and finished masks, with a pipe and a link out of them."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    for part in ("images", "labels", "masks"):
        (folder / part / "sub").mkdir(parents=True)
        for name in ("a.png", "b.png", "sub/a.png"):
            Image.fromarray(rng.integers(0, 2, (16, 16), dtype=np.uint8) * 255).save(folder / part / name)
        os.mkfifo(folder / part / "fifo.png")
        Image.new("L", (16, 16), 255).save(folder / "outside.png")
        (folder / part / "leads-out.png").symlink_to(folder / "outside.png")
    return folder


def _evaluate(place: Path, sheet: Path) -> None:
    folders = ("--images", place / "images", "--labels", place / "labels", "--masks", place / "masks")
    accept("evaluate", *folders, "--prompts", sheet, "--out", place / "out", "--overwrite")


@settings(max_examples=EXAMPLES)
@given(damaged_bytes(CSV, len(CSV)))
def test_damaged_sheets(place: Path, content: bytes) -> None:
    (place / "a.csv").write_bytes(content)
    _evaluate(place, place / "a.csv")


@settings(max_examples=EXAMPLES)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=3), st.booleans())
def test_odd_cells_of_workbooks(place: Path, rows: list[list[object]], with_columns: bool) -> None:
    book = openpyxl.Workbook()
    for row in [COLUMNS, *rows] if with_columns else rows:
        for number, cell in enumerate(row, start=1):
            try:
                book.active.cell(book.active.max_row + (number == 1), number, cell)
            except (ValueError, openpyxl.utils.exceptions.IllegalCharacterError):
                continue
    try:
        book.save(place / "a.xlsx")
    except (ValueError, UnicodeError):
        return
    _evaluate(place, place / "a.xlsx")


def _workbook() -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in (COLUMNS, ["a.png", "a thing", "a.png", ""]):
        book.active.append(row)
    book.save(content)
    return content.getvalue()


WORKBOOK = _workbook()


@settings(max_examples=EXAMPLES // 2)
@given(damaged_bytes(WORKBOOK, len(WORKBOOK)))
def test_damaged_workbooks(place: Path, content: bytes) -> None:
    (place / "a.xlsx").write_bytes(content)
    _evaluate(place, place / "a.xlsx")


@settings(max_examples=EXAMPLES)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=40)), max_size=6), st.integers(1, 30))
def test_tables_of_pairs(place: Path, rows: list[tuple[str, str]], shortest: int) -> None:
    text = "filename,Caption\n" + "".join(f'"{name}","{caption}"\n' for name, caption in rows)
    (place / "pairs.csv").write_bytes(text.encode("utf-8", "replace"))
    options = ("--images", place / "images", "--min-caption", shortest, "--start-from", "none-such")
    assert accept("clip-tune", "--pairs", place / "pairs.csv", *options, "--out", place / "tuned")


PAIRS = b'filename,Caption\r\n"a.png","a long enough caption of an image"\r\nb.png,another long enough caption\r\n'


@settings(max_examples=EXAMPLES)
@given(damaged_bytes(PAIRS, len(PAIRS)))
def test_damaged_tables_of_pairs(place: Path, content: bytes) -> None:
    (place / "pairs.csv").write_bytes(content)
    options = ("--images", place / "images", "--start-from", "none-such")
    assert accept("clip-tune", "--pairs", place / "pairs.csv", *options, "--out", place / "tuned")
