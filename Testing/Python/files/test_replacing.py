"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.files.replacing import replacing, write_csv, write_failures_in_words, write_json, write_text
from MedCLIPSegLogic.files.scratch import LOCK_FILE


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    # A file name that is not in UTF-8 comes to a record as a lone surrogate.
    data = {"name": os.fsdecode(b"\xe4.png"), "prompt": "Ödem “links”", "share": 0.5, "none": None}
    write_json(tmp_path / "a.json", data)
    assert read_json(tmp_path / "a.json") == data
    assert "Ödem" in (tmp_path / "a.json").read_text(encoding="utf-8")
    write_csv(tmp_path / "a.csv", ["image", "score"], [("a, b", 0.25), ("c", None)])
    assert (tmp_path / "a.csv").read_bytes() == b'image,score\r\n"a, b",0.25\r\nc,\r\n'


def test_json_holds_no_number_but_finite_ones(tmp_path: Path) -> None:
    write_json(
        tmp_path / "a.json", {"loss": [float("nan"), 1.5], "spacing": (float("-inf"), 2), "best": np.float64("nan")}
    )
    assert read_json(tmp_path / "a.json") == {"loss": [None, 1.5], "spacing": [None, 2], "best": None}
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 5000):
        (tmp_path / "a.json").write_text(f'{{"a": [{number}]}}')
        with pytest.raises(MedCLIPSegError, match=r"a\.json is not readable JSON: it holds (the|a) number") as caught:
            read_json(tmp_path / "a.json")
        assert len(str(caught.value)) < len(str(tmp_path)) + 100


def test_a_failure_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write_text(path, "old")

    def break_off() -> None:
        with replacing(path) as temporary:
            assert temporary.name == path.name  # many writers go by the ending, Slicer's bundles by the whole name
            temporary.write_text("new")
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    failure = pytest.raises(MedCLIPSegError, match=r"a.nii.gz cannot be written \(.*\) and is left as it was")
    with failure, write_failures_in_words(), full_disk():
        write_text(path, "new" * 1000)
    with pytest.raises(OSError, match=r"a\.nii\.gz"), replacing(path):
        pass  # nothing was written
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_write_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    left = tmp_path / ".a.txt.part"
    left.mkdir()
    (left / LOCK_FILE).touch()
    (left / "a.txt").write_text("half of")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: write_text(path, str(number) * 1000), range(8)))
    assert len(set(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]
