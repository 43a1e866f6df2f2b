"""The record of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedCLIPSegLab.run_record import read_run_record, write_run_record
from MedCLIPSegLogic.errors import MedCLIPSegError


def test_a_record_comes_back(tmp_path: Path) -> None:
    record = {"settings": {"steps": 3}, "seconds": 1.5}
    write_run_record(tmp_path / "run.json", record)
    assert read_run_record(tmp_path / "run.json", "training", ["settings"]) == record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no interrupted training in .*: it has no run.json"),
        ('{"settings": 3}', "The record .*run.json of the training cannot be read: it is incomplete"),
        ("{}", "cannot be read: 'settings'"),
        ("[]", "cannot be read"),
        ("{", "cannot be read: Expecting"),
    ],
)
def test_without_a_whole_record_one_sentence_tells(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(MedCLIPSegError, match=message):
        read_run_record(tmp_path / "run.json", "training", ["settings"])
