"""Models are there whole or not at all, wherever the process that installs or removes them is killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from killing import killed_at_every_rename
from published_files import SMALL, save_published, small_network

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.scratch import LOCK_FILE
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.model.store import installed_models
from MedCLIPSegLogic.zoo import importing
from MedCLIPSegLogic.zoo.importing import import_file
from MedCLIPSegLogic.zoo.installing import remove, verify_folder


def import_small(file: Path, replace: bool = False) -> None:
    importing.FLAVORS = SMALL
    import_file(file, "mine", replace=replace)


def found_in(home: Path) -> list[str]:
    """Every file of the models folder, by its path; records tell the time and are left out."""
    files = [
        path for path in home.rglob("*") if path.is_file() and path.name != "import.json" and path != home / ".lock"
    ]
    return sorted(f"{path.relative_to(home)} {path.stat().st_size}" for path in files)


@pytest.mark.slow
@pytest.mark.parametrize("does", ["install", "replace", "remove"])
def test_a_model_is_whole_wherever_its_process_is_killed(a_checkpoint: Path, a_home: Path, does: str) -> None:
    other = save_published(small_network("unimedclip", seed=5), a_checkpoint.parent / "other.pth")
    work: Callable[[], None] = partial(remove, "mine") if does == "remove" else partial(import_small, other, True)

    def prepare() -> None:
        for folder in ("models", "backbones"):
            shutil.rmtree(a_home / folder, ignore_errors=True)
            (a_home / folder).mkdir()
        if does != "install":
            import_small(a_checkpoint)

    prepare()
    before = load_model("mine").model_hash if does != "install" else None
    work()
    after = load_model("mine").model_hash if does != "remove" else None
    end = found_in(a_home)
    found = []
    for _ in killed_at_every_rename(work, prepare=prepare):
        is_there = installed_models() == ["mine"]
        if is_there:
            verify_folder("mine", a_home / "models" / "mine")
        found.append(load_model("mine").model_hash if is_there else None)
        assert found[-1] in (before, after)
        assert not list(a_home.rglob("*.part"))
        if found[-1] == after:
            assert found_in(a_home) == end
    assert before in found
    assert after in found
    assert found == sorted(found, key=lambda state: state == after)
    assert len(found) >= 4


def test_two_imports_of_one_name_are_told_apart(a_checkpoint: Path, a_home: Path) -> None:
    with importing.new_model("mine", False):
        with pytest.raises(MedCLIPSegError, match="Another process is installing or removing 'mine'; wait"):
            import_small(a_checkpoint)
        import_file(a_checkpoint, "other")
        assert (a_home / ".mine.part" / LOCK_FILE).is_file()  # a live one is left alone
