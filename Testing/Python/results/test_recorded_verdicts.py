"""The verdict from the bundled model to ``run.json`` and the terminal."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import MedCLIPSegLogic
from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLogic.inference import judging
from MedCLIPSegLogic.knowledge.known import KNOWLEDGE_FILE, Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.knowledge.sight import ImageSight
from MedCLIPSegLogic.model.catalog import FIRST_MODEL, find_model
from MedCLIPSegLogic.model.folder import file_hash, save_knowledge

BREAST = CASES / "breast_ultrasound.jpg"
KINDS = ("found", "absent", "not-understood", "foreign-image", "doubtful")


@pytest.fixture
def a_knowing_folder(tmp_path: Path) -> Path:
    """The bundled model, knowing tumors and polyps alone."""
    folder = shutil.copytree(find_model(FIRST_MODEL), tmp_path / "knowing")
    (folder / KNOWLEDGE_FILE).unlink(missing_ok=True)
    kinds = {
        "breast ultrasound": KnownKind(images=500, things={"tumor": KnownThing(images=400, dice=0.8)}),
        "colonoscopy": KnownKind(images=500, things={"polyp": KnownThing(images=400, dice=0.8)}),
    }
    words = {"tumor": {"breast ultrasound": 400}, "polyp": {"colonoscopy": 400}}
    save_knowledge(Knowledge(kinds=kinds, words=words), folder)
    return folder


@pytest.fixture(autouse=True)
def a_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, ImageSight("breast ultrasound", "breast ultrasound", 0.05))


def see(monkeypatch: pytest.MonkeyPatch, sight: ImageSight) -> None:
    monkeypatch.setattr(judging, "look", lambda *_: sight)


def call(monkeypatch: pytest.MonkeyPatch, out: Path, prompts: list[str], *options: object) -> dict[str, Any]:
    asked = [part for prompt in prompts for part in ("--prompt", prompt)]
    arguments = (BREAST, *asked, "--out", out, "--samples", 3, *options)
    monkeypatch.setattr(sys, "argv", ["medclipseg", "segment", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    return dict(json.loads((out / "run.json").read_text(encoding="utf-8")))


@pytest.mark.slow
def test_four_prompts_get_four_honest_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], a_knowing_folder: Path, tmp_path: Path
) -> None:
    prompts = ["tumor", "cancer", "asdfgh", "kidney"]
    record = call(monkeypatch, tmp_path / "out", prompts, "--model", a_knowing_folder)
    assert record["sight"]["kind"] == "breast ultrasound"
    assert record["knowledge_hash"] == file_hash(a_knowing_folder / KNOWLEDGE_FILE)
    tumor, *others = record["results"]
    assert tumor["verdict"] == "found"
    assert tumor["voxels"] > 0
    for entry in others:
        assert (entry["verdict"], entry["voxels"], entry["mean_uncertainty"]) == ("not-understood", 0, None)
        assert entry["prompt"] in entry["verdict_text"]
        assert "tumor" in entry["suggestions"]
    maps = [name for name in record["files"] if name.endswith("y.nrrd")]
    assert maps == ["tumor.probability.nrrd", "tumor.uncertainty.nrrd"]
    printed = capsys.readouterr().out
    assert "cancer: not outlined, uncertainty unknown\n  Not understood: " in printed
    assert "Try: " in printed
    assert "4 prompts: 1 found, 3 not understood." in printed
    assert "0.000 nats" not in printed
    width, height = Image.open(tmp_path / "out" / "preview.png").size
    assert height > width


@pytest.mark.slow
def test_what_is_held_back_is_shown_anyway_or_asked_in_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], a_knowing_folder: Path, tmp_path: Path
) -> None:
    see(monkeypatch, ImageSight(None, "chest X-ray", 0.99, True))
    model = ("--model", a_knowing_folder)
    record = call(monkeypatch, tmp_path / "held", ["tumor"], *model, "--json")
    assert json.loads(capsys.readouterr().out)["results"][0]["verdict"] == "foreign-image"
    assert record["results"][0]["voxels"] == 0
    record = call(monkeypatch, tmp_path / "shown", ["tumor"], *model, "--show-anyway")
    [entry] = record["results"]
    assert (entry["verdict"], entry["mean_uncertainty"], record["show_anyway"]) == ("foreign-image", None, True)
    assert entry["voxels"] > 0
    assert "tumor.probability.nrrd" in record["files"]
    see(monkeypatch, ImageSight("breast ultrasound", "breast ultrasound", 0.05))
    capsys.readouterr()
    record = call(monkeypatch, tmp_path / "own", ["cancer"], *model, "--own-words")
    [own] = record["results"]
    assert (own["asked_as"], own["verdict"]) == ("tumor", "found")
    assert own["voxels"] == entry["voxels"]
    assert "Asked as “tumor”" in capsys.readouterr().out
    [denied] = call(monkeypatch, tmp_path / "denied", ["no tumor"], *model)["results"]
    assert (denied["verdict"], denied["doubts"], denied["voxels"]) == ("doubtful", ["denied"], 0)
    assert "no tumor: not outlined" in capsys.readouterr().out


@pytest.mark.slow
def test_every_run_of_a_script_has_a_verdict(tmp_path: Path) -> None:
    for number, options in enumerate(({"model": FIRST_MODEL, "samples": 1}, {"samples": 1, "maps": False})):
        record = MedCLIPSegLogic.segment(BREAST, ["tumor", "no zebra"], tmp_path / str(number), **options).record
        assert all(entry["verdict"] in KINDS and entry["verdict_text"] for entry in record["results"])
