"""Output appears whole or not at all."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from killing import killed_at_every_rename

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.files.scratch import LOCK_FILE, scratch_folder
from MedCLIPSegLogic.files.staging import check_free, staged_folder


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
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(MedCLIPSegError, match="cannot be written: Permission denied"):
        write(tmp_path / "out", a="1")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("failing", range(9))
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
    if failing < (7 if overwrite else 4):  # of which one is that of the journal
        with pytest.raises(MedCLIPSegError, match="No space left"):
            write(out, overwrite=overwrite, a="2", b="2")
        assert {path.name: path.read_text() for path in out.iterdir()} == before
        assert len(moves) > failing
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


@pytest.mark.slow
def test_a_result_is_whole_wherever_its_process_is_killed(tmp_path: Path) -> None:
    out, before, after = tmp_path / "out", {"a": "1", "b": "1"}, {"a": "2", "c": "2", "d": "2"}

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)
        write(out, **before)
        (out / "notes").write_text("mine")

    found = []
    for _ in killed_at_every_rename(partial(write, out, True, **after), prepare=prepare):
        check_free(out, True)
        files = {name: (out / name).read_text() for name in names(out) if name not in ("run.json", "notes")}
        assert files in (before, after)
        assert read_json(out / "run.json")["files"] == [*files, "run.json"]
        assert names(out) == sorted([*files, "notes", "run.json"])
        found.append(files)
    assert before in found
    assert len(found) > 2 * (3 + 4)  # old and new files, and the journal
    assert found == sorted(found, key=lambda files: files == after)


@pytest.mark.slow
def test_a_new_result_is_there_or_not_wherever_its_process_is_killed(tmp_path: Path) -> None:
    place = tmp_path / "deep"

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)

    found = []
    for _ in killed_at_every_rename(partial(write, place / "er" / "out", a="1"), prepare=prepare):
        check_free(place / "er" / "out", True)
        found.append(sorted(path.relative_to(place).as_posix() for path in place.rglob("*")))
    assert found == [["er"], ["er", "er/out", "er/out/a", "er/out/run.json"]]


def test_the_next_command_beside_it_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    left = tmp_path / ".other.part"
    (left / "new").mkdir(parents=True)
    (left / "new" / "a").write_text("half of")
    (left / LOCK_FILE).touch()
    write(tmp_path / "out", a="1")
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("is_there", [False, True])
def test_of_two_runs_into_one_folder_the_later_is_refused_at_once(tmp_path: Path, is_there: bool) -> None:
    out = tmp_path / "out"
    if is_there:
        write(out, a="1")
    with staged_folder(out, True) as staging:
        (staging / "a").write_text("2")
        with pytest.raises(MedCLIPSegError, match=r"Another run is writing to the folder .*out; wait"):
            write(out, overwrite=True, a="3")
        write(tmp_path / "beside", a="1")  # leaves a live one alone
        assert (staging / "a").read_text() == "2"
    assert (out / "a").read_text() == "2"


@pytest.mark.parametrize("target", ["../victim", "/{}/victim", "link/victim", "..", ""])
def test_a_journal_that_leads_elsewhere_is_not_followed(tmp_path: Path, target: str) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim"
    victim.write_text("mine")
    write(out, a="1")
    (out / "link").symlink_to(tmp_path)
    target = target.format(tmp_path)
    for journal in ({"replaced": [target], "moves": []}, {"replaced": [], "moves": [["new", target]]}, [target], 7):
        left = out / ".results.part"
        (left / "new").mkdir(parents=True)
        (left / LOCK_FILE).touch()
        (left / "moves.json").write_text(json.dumps(journal))
        write(out, overwrite=True, a="2")
        assert victim.read_text() == "mine"
        assert names(out) == ["a", "link", "run.json"]


def test_a_scratch_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    out, precious = tmp_path / "out", tmp_path / "precious"
    precious.mkdir()
    (precious / LOCK_FILE).touch()
    (precious / "file").write_text("mine")
    out.mkdir()
    (out / ".results.part").symlink_to(precious)
    with pytest.raises(MedCLIPSegError, match="out cannot be written: it is in the way"):
        write(out, a="1")
    assert (precious / "file").read_text() == "mine"


def test_a_place_where_no_folder_can_be_made_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), scratch_folder(tmp_path / "gone" / "out"):
        pytest.fail("there is no such folder")


def test_a_folder_that_itk_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="rename the file or its folder"):
        write(tmp_path / "caf\udce9" / "out", a="1")
    assert names(tmp_path) == []
