"""Which cases a folder has."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from MedCLIPSegLogic.desk.case_folder import cases_of, kept_scene, scene_to_keep
from MedCLIPSegLogic.desk.standing import Standing
from MedCLIPSegLogic.errors import MedCLIPSegError


def a_result(folder: Path, record: str) -> None:
    folder.mkdir(parents=True)
    (folder / "scene.mrb").write_bytes(b"")
    (folder / "run.json").write_text(record, encoding="utf-8")


def test_images_and_results_are_cases_by_name(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "A.png", "x.seg.nrrd", "notes.txt", "run.json"):
        (tmp_path / name).write_bytes(b"")
    results = [
        {"prompt": "liver", "verdict": "doubtful", "expected_dice": 0.7},
        {"prompt": "spleen", "verdict": "absent", "expected_dice": None},
        {"prompt": "odd", "verdict": "splendid", "expected_dice": 7},
    ]
    a_result(tmp_path / "c", json.dumps({"results": results}))
    a_result(tmp_path / "d", "{")
    (tmp_path / "medclipseg-review").mkdir()
    (tmp_path / "medclipseg-review" / "scene.mrb").write_bytes(b"")
    cases = cases_of(tmp_path)
    assert [case.key for case in cases] == ["A.png", "b.nii.gz", "c", "d"]
    assert [Path(case.source).name for case in cases] == ["A.png", "b.nii.gz", "scene.mrb", "scene.mrb"]
    assert cases[2].standings == {
        "liver": Standing(verdict="doubtful", expected_dice=0.7),
        "spleen": Standing(verdict="absent"),
        "odd": Standing(),
    }
    assert cases[3].standings == {}


def test_a_result_itself_is_one_case(tmp_path: Path) -> None:
    a_result(tmp_path / "c", json.dumps({"results": []}))
    (tmp_path / "c" / "liver.probability.nrrd").write_bytes(b"")
    assert [case.key for case in cases_of(tmp_path / "c")] == ["c"]


def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="nowhere cannot be read"):
        cases_of(tmp_path / "nowhere")


def test_the_latest_scene_of_a_case_counts_whoever_kept_it(tmp_path: Path) -> None:
    names = ("a.b", "a-b", "a b")  # one word in plain letters
    assert kept_scene(tmp_path, "a.b") is None
    places = [scene_to_keep(tmp_path, name, reviewer) for name in names for reviewer in ("Zoë", "Zo")]
    assert len(set(places)) == 6
    places[0].parent.mkdir()
    for number, place in enumerate(places):
        place.write_bytes(b"")
        os.utime(place, (1000 - number, 1000 - number))
    assert [kept_scene(tmp_path, name) for name in names] == places[::2]
    os.utime(places[1], (2000, 2000))
    assert kept_scene(tmp_path, "a.b") == places[1]
