"""Which files are opened at all, and how much of them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import openpyxl
import pytest
from outcomes import accept

from MedCLIPSegLab.models.commands import export_model
from MedCLIPSegLogic.datasets.sheets import read_sheet
from MedCLIPSegLogic.errors import LONGEST_QUOTE, MedCLIPSegError, listed, quoted
from MedCLIPSegLogic.files.text_reading import MAX_BYTES, read_text
from MedCLIPSegLogic.named_files import file_within
from MedCLIPSegLogic.volumes import limits

HEADER = ["Image", "Description", "Ground Truth"]


def test_only_regular_files_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "a", folder / "sub" / "a", tmp_path / "outside"):
        path.write_text("x")
    os.mkfifo(folder / "pipe")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "in").symlink_to(folder / "a")
    (folder / "circle").symlink_to(folder / "circle")
    for name in ("a", "sub/a", "in"):
        assert file_within(folder, name) == folder / name
    elsewhere = ("../outside", "sub/../a", str(folder / "a"), "/dev/zero", "out")
    for name in (*elsewhere, "", ".", "sub", "none", "pipe", "circle", "a\0", "x" * 5000, "\ud800"):
        assert file_within(folder, name) is None, name


def test_texts_are_regular_and_of_sensible_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for name, words in (("pipe", "not a regular file"), ("zeros", "not a regular file"), ("large", "more than the")):
        with pytest.raises(MedCLIPSegError, match=words):
            read_text(tmp_path / name)
        assert words in accept("paper-tables", "backbones", "--config", tmp_path / name)
        assert words in accept("train", "--data", "x", "--settings", tmp_path / name, "--out", tmp_path / "out")


def test_workbooks_that_unpack_to_too_much(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(300 * 2**20))
    with pytest.raises(MedCLIPSegError, match="unpacks to far more"):
        read_sheet(tmp_path / "bomb.xlsx")


def test_workbooks_that_claim_a_million_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.cell(1_048_576, 16_384, "far away")
    book.save(tmp_path / "wide.xlsx")
    with pytest.raises(MedCLIPSegError, match="more than 200000 rows"):
        read_sheet(tmp_path / "wide.xlsx")


def test_models_with_files_of_1970_are_exported(the_model_folder: Path, tmp_path: Path, a_model_folder: Path) -> None:
    for path in a_model_folder.iterdir():
        os.utime(path, (0, 0))
    export_model(a_model_folder, tmp_path / "a.zip")
    assert "config.json" in zipfile.ZipFile(tmp_path / "a.zip").namelist()


def test_what_is_quoted_is_short_and_readable() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10_000, "two\nlines", "\x1b[31m\u202e\ud800", 10**5000, deep, {"a": "b" * 500}, None, ""):
        assert len(quoted(value)) <= LONGEST_QUOTE
        assert quoted(value).isprintable()
    assert quoted("a lesion") == "a lesion"
    assert listed(range(100)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 88 more"


def test_free_memory_heeds_the_limits_of_process_and_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(limits, "OWN_GROUPS", tmp_path / "none")
    whole = limits.free_memory()
    used = limits.psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda _: (used + 10**6, used + 10**6))
    assert limits.free_memory() < min(whole, 2 * 10**6)
    monkeypatch.undo()
    group = tmp_path / "groups" / "outer" / "inner"
    group.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/outer/inner\n")
    for folder, most in ((group, "max"), (group.parent, "5000000")):
        (folder / "memory.max").write_text(most + "\n")
        (folder / "memory.current").write_text("3000000\n")
        (folder / "memory.stat").write_text("anon 1\ninactive_file 1000000\n")
    monkeypatch.setattr(limits, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(limits, "CONTROL_GROUPS", tmp_path / "groups")
    assert limits.free_memory() == 3_000_000
