"""Files that lie, nest or are broken are refused in one sentence; a child reads them, as they may end the program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_dicom import hostile, mutated, valid

READ_ALL = """
import json, pathlib, sys
from MedCLIPSegLab.speed.peak_memory import peak_memory
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    print(json.dumps([path.name, None]), flush=True)
    try:
        outcome = list(read_volume(path).shape)
    except MedCLIPSegError as error:
        outcome = str(error)
    print(json.dumps([path.name, outcome]), flush=True)
print(json.dumps(["", peak_memory()]))
"""
MOST_BYTES = 1.5e9


def read_in_child(folder: Path, files: dict[str, bytes]) -> dict[str, list[int] | str]:
    """What becomes of each file, by its name: a shape, or the sentence of the refusal."""
    folder.mkdir()
    names = {f"{number:04d}.dcm": name for number, name in enumerate(files)}
    for file, name in names.items():
        (folder / file).write_bytes(files[name])
    child = subprocess.run([sys.executable, "-c", READ_ALL, str(folder)], capture_output=True, text=True, check=False)
    outcomes = dict(json.loads(line) for line in child.stdout.splitlines())
    assert child.returncode == 0, names.get(max(outcomes, default=""), child.stderr)
    assert child.stderr == ""
    assert outcomes.pop("") < MOST_BYTES
    return {names[file]: outcome for file, outcome in outcomes.items()}


def test_odd_but_valid_files_are_read(tmp_path: Path) -> None:
    outcomes = read_in_child(tmp_path / "valid", valid())
    assert set(map(str, outcomes.values())) == {"[1, 8, 8]"}, outcomes
    assert len(outcomes) == len(valid())


@pytest.mark.slow
def test_hostile_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    outcomes = read_in_child(tmp_path / "hostile", hostile())
    for name, outcome in outcomes.items():
        assert isinstance(outcome, str), name
        assert outcome.startswith(str(tmp_path)), outcome
        assert outcome.endswith(".")
        assert outcome.count("\n") == 0


@pytest.mark.slow
def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    outcomes = read_in_child(tmp_path / "mutated", dict(mutated(390)))
    refusals = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
    assert len(outcomes) == 390
    assert 0 < len(refusals) < 390
    assert all(outcome.endswith(".") and "\n" not in outcome for outcome in refusals)


@pytest.mark.slow
def test_hostile_file_in_a_folder_is_named(tmp_path: Path) -> None:
    files, names = hostile(), ("5000 deep, open True", "100000 deep, never closed", "length of 4 GB")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.dcm").write_bytes(valid()["explicit"])
        (tmp_path / name / "b.dcm").write_bytes(files[name])
    child = subprocess.run([sys.executable, "-c", READ_ALL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert child.returncode == 0
    outcomes = dict(json.loads(line) for line in child.stdout.splitlines())
    assert all(str(tmp_path / name / "b.dcm") in outcomes[name] for name in names), outcomes
