"""The command line end to end with the bundled model on the bundled cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from MedCLIPSegLab.results.demo import CASES

PICTURE = CASES / "dermoscopy.jpg"
Call = Callable[..., int]


@pytest.mark.slow
def test_demo_reports_good_dice(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("demo", "--out", tmp_path / "demo") == 0
    printed = capsys.readouterr().out
    dices = [float(line.split()[1]) for line in printed.splitlines() if line.strip().startswith("Dice")]
    assert len(dices) == 9
    assert min(dices) > 0.6
    assert len(list((tmp_path / "demo").glob("*/preview.png"))) == 9
    assert call("demo", "--out", tmp_path / "demo") == 2
    assert "already holds results" in capsys.readouterr().err


def test_evaluate_writes_its_tables(call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(
        "Image,Description,Ground Truth\n"
        "breast_ultrasound.jpg,one medium tumor,breast_ultrasound_mask.png\n"
        "dermoscopy.jpg,skin lesion,dermoscopy_mask.png\n"
    )
    options = ("--images", CASES, "--labels", CASES, "--prompts", tmp_path / "sheet.csv", "--samples", 2)
    assert call("evaluate", "--model", "mini", *options, "--out", tmp_path / "out") == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["count"] == 2
    assert metrics["dice_mean"] > metrics["dice_all_foreground_mean"]
    assert "2 prompts: mean Dice" in capsys.readouterr().out


def test_training_and_resuming(call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "lesions"
    for kind in ("img", "label"):
        (data / "Train_Folder" / kind).mkdir(parents=True)
    (data / "Prompts_Folder").mkdir()
    Image.open(PICTURE).save(data / "Train_Folder" / "img" / "a.png")
    Image.open(CASES / "dermoscopy_mask.png").save(data / "Train_Folder" / "label" / "a.png")
    (data / "Prompts_Folder" / "Train_text.csv").write_text("Image,Description,Ground Truth\na.png,skin lesion,a.png\n")
    options = ("--data", data, "--out", tmp_path / "model", "--steps", 2, "--batch-size", 2, "--stages", "1:32")
    assert call("train", *options) == 0
    record = json.loads((tmp_path / "model" / "training.json").read_text())
    assert call("train", *options, "--resume") == 0
    assert json.loads((tmp_path / "model" / "training.json").read_text())["settings"] == record["settings"]
    capsys.readouterr()
    assert call("train", *options, "--resume", "--seed", 9) == 2
    assert "begun with seed 0, not 9" in capsys.readouterr().err
    arguments = ("segment", PICTURE, "--prompt", "skin lesion", "--samples", 1, "--out", tmp_path / "out")
    assert call(*arguments, "--model", tmp_path / "model") == 0
