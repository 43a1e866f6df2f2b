"""Output appears whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.staging import staged_folder


def write(out: Path, overwrite: bool = False, **files: str) -> None:
    with staged_folder(out, overwrite) as staging:
        for name, text in files.items():
            (staging / name).write_text(text)
        (staging / "run.json").write_text(json.dumps({"files": [*files, "run.json"]}))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("out", ["new", "deep/er/new"])
def test_a_new_folder_is_made(tmp_path: Path, out: str) -> None:
    write(tmp_path / out, a="1")
    assert names(tmp_path / out) == ["a", "run.json"]
    assert names(tmp_path) == [Path(out).parts[0]]


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    write(tmp_path, a="1")
    assert names(tmp_path) == ["a", "notes", "run.json"]


def test_a_foreign_file_is_never_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(MedCLIPSegError, match="already has a file named a"):
            write(out, overwrite=overwrite, a="1")
    assert (out / "a").read_text() == "mine"
    assert names(tmp_path) == ["out"]


def test_earlier_results_are_replaced_only_on_request(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1", old="1")
    (out / "notes").write_text("mine")
    with pytest.raises(MedCLIPSegError, match="already holds results"):
        write(out, a="2")
    assert (out / "a").read_text() == "1"
    write(out, overwrite=True, a="2")
    assert names(out) == ["a", "notes", "run.json"]
    assert (out / "a").read_text() == "2"


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1")
    with pytest.raises(TypeError):
        write(out, overwrite=True, a="half", b=7)
    assert names(tmp_path) == ["out"]
    assert (out / "a").read_text() == "1"


def test_a_record_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1")
    (tmp_path / "precious").write_text("mine")
    (out / "run.json").write_text(json.dumps({"files": ["../precious", str(tmp_path / "precious"), "..", "a"]}))
    write(out, overwrite=True, a="2")
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(MedCLIPSegError, match="is a file"):
        write(tmp_path / "out", a="1")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(MedCLIPSegError, match="cannot be written: Permission denied"):
        write(tmp_path / "out", a="1")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("failing", range(5))
def test_a_failing_move_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, failing: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if overwrite:
        write(out, a="1", b="1")
    (out / "notes").write_text("mine")
    before = {path.name: path.read_text() for path in out.iterdir()}
    replace, moves = Path.replace, []

    def fail_once(path: Path, target: Path) -> Path:
        moves.append(target)
        if len(moves) == failing + 1:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail_once)
    if failing < (6 if overwrite else 3):
        with pytest.raises(MedCLIPSegError, match="No space left"):
            write(out, overwrite=overwrite, a="2", b="2")
        assert {path.name: path.read_text() for path in out.iterdir()} == before
    else:
        write(out, overwrite=overwrite, a="2", b="2")
        assert (out / "a").read_text() == "2"


def test_only_the_folder_itself_need_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    replace = Path.replace

    def same_device(path: Path, target: Path) -> Path:
        if out not in path.parents or out not in target.parents:
            raise OSError(18, "Invalid cross-device link")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", same_device)
    write(out, a="1")
    assert names(out) == ["a", "run.json"]
