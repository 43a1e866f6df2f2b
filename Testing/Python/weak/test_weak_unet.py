"""MedCLIP-SAM's weak stage from a folder of images to masks, and their evaluation."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.evaluation.evaluate_masks import evaluate_masks
from MedCLIPSegLab.metrics import dice_score
from MedCLIPSegLab.weak.learning import weak
from MedCLIPSegLab.weak.reporting import WeakProgress
from MedCLIPSegLab.weak.settings import WeakSettings
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.runs.models import Models
from MedCLIPSegLogic.runs.preparing import Chain
from MedCLIPSegLogic.volumes.readers import read_volume

SETTINGS = WeakSettings("medclip-sam", epochs=4, batch_size=4, learning_rate=3e-3, image_size=32, device="cpu")


class Interrupted(Exception):
    pass


def pixels(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def stop_at(stage: str, number: int) -> Callable[[WeakProgress], None]:
    def report(step: WeakProgress) -> None:
        if (step.stage, step.number) == (stage, number):
            raise Interrupted

    return report


def test_an_interrupted_run_ends_as_one_in_a_piece(a_folder: Path, bright: dict[str, Any], calls: list[str]) -> None:
    def run(out: str, progress: Callable[[WeakProgress], None] | None = None) -> dict:
        arguments = {"prompt": "disc", "settings": SETTINGS, **bright, "progress": progress}
        return weak(a_folder / "img", a_folder / out, **arguments)

    whole = run("whole")
    assert len(calls) == 5  # the sixth picture is flat
    calls.clear()
    for stage, number in (("pseudo-masks", 3), ("training", 5), ("predicting", 2)):
        with pytest.raises(Interrupted):
            run("parts", stop_at(stage, number))
    assert run("parts")["classes"] == whole["classes"]
    assert len(calls) == 5
    for name in ("unet/model.safetensors", "images.csv", "masks/case 0.png", "uncertainty/case 5.nrrd"):
        assert (a_folder / "parts" / name).read_bytes() == (a_folder / "whole" / name).read_bytes()
    seen: list[WeakProgress] = []
    run("parts", seen.append)
    assert {step.stage for step in seen} == {"pseudo-masks"}


def test_pseudo_masks_are_a_training_set(a_folder: Path, bright: dict[str, Any]) -> None:
    out = a_folder / "out"
    record = weak(a_folder / "img", out, prompt="disc", settings=SETTINGS, **bright)
    assert record["classes"][0]["empty_pseudo_masks"] == ["case 5.png"]
    rows = list(csv.DictReader((out / "pseudo/Prompts_Folder/Train_text.csv").open()))
    assert [row["Image"] for row in rows] == [f"case {n}.png" for n in range(6)]
    for number in range(6):
        name = f"case {number}.png"
        made, known = (pixels(path / name) > 127 for path in (out / "pseudo/Train_Folder/label", a_folder / "label"))
        assert dice_score(made, known) > 0.9
        assert np.array_equal(pixels(out / "pseudo/Train_Folder/img" / name), pixels(a_folder / "img" / name))
    finding = json.loads((out / "pseudo/Train_Folder/record/case 0.json").read_text())["findings"][0]
    assert finding["status"] == "found"
    assert len(finding["objects"]) == 1


def test_empty_masks_can_be_left_out(a_folder: Path, bright: dict[str, Any]) -> None:
    settings = dataclasses.replace(SETTINGS, leave_out_empty=True, epochs=1)
    record = weak(a_folder / "img", a_folder / "out", prompt="disc", settings=settings, **bright)
    lines = (a_folder / "out/pseudo/Prompts_Folder/Train_text.csv").read_text().splitlines()
    assert len(lines) == 1 + 5
    assert (a_folder / "out/pseudo/Train_Folder/record/case 5.json").is_file()
    assert record["classes"][0]["empty_pseudo_masks"] == ["case 5.png"]
    assert record["classes"][0]["predicted"] == 6


def test_a_class_that_is_empty_everywhere_ends_in_a_sentence(a_folder: Path, bright: dict[str, Any]) -> None:
    with pytest.raises(MedCLIPSegError, match="“nothing” are empty in all 6 images, so there is nothing to learn"):
        weak(a_folder / "img", a_folder / "out", prompt="nothing", settings=SETTINGS, **bright)
    assert not (a_folder / "out" / "unet").exists()


def test_classes_get_folders_of_their_own(a_folder: Path, bright: dict[str, Any]) -> None:
    lines = ["Image,Description,Class", *(f"case {n}.png,disc {c},{c}" for n in range(2) for c in ("Left Lung", "b"))]
    (a_folder / "prompts.csv").write_text("\n".join(lines))
    settings = dataclasses.replace(SETTINGS, epochs=1)
    record = weak(a_folder / "img", a_folder / "out", a_folder / "prompts.csv", settings=settings, **bright)
    assert [entry["folder"] for entry in record["classes"]] == ["left-lung", "b"]
    assert len(record["images_without_prompt"]) == 4
    assert len(list((a_folder / "out/left-lung/masks").iterdir())) == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "mass"}, r"begun with other prompts \(such as case 0.png\)"),
        ({"study": "brain MRI"}, "begun with study None, not brain MRI; give the same options"),
        ({"predict": "label"}, "begun with other predicted"),
    ],
)
def test_a_run_goes_on_with_the_same_options_only(
    a_folder: Path, bright: dict[str, Any], change: dict[str, str], words: str
) -> None:
    arguments = {"out": a_folder / "out", "prompt": "disc", "settings": SETTINGS, **bright}
    with pytest.raises(Interrupted):
        weak(a_folder / "img", progress=stop_at("pseudo-masks", 1), **arguments)
    if "predict" in change:
        change = {"predict": str(a_folder / "label")}
    with pytest.raises(MedCLIPSegError, match=words):
        weak(a_folder / "img", **{**arguments, **change})
    with pytest.raises(MedCLIPSegError, match="in use by something else"):
        weak(a_folder / "img", **{**arguments, "out": a_folder})


def test_sentences_of_a_design_stand_for_the_prompt(a_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, list[str]]] = []

    def stop(models: Models, chain: Chain, *_: object) -> None:
        asked.append(dict(chain.sentences))
        raise Interrupted

    monkeypatch.setattr(Models, "saliency", stop)
    sets = {"knee MRI": {"object": "tear", "studies": ["knee MRI"], "features": ["a line"]}}
    (a_folder / "sets.json").write_text(json.dumps({"studies": sets, "caption": ["{study}, {features}"]}))
    options = ["--study", "knee MRI", "--design", "P2", "--prompt-sets", a_folder / "sets.json", "--sam", "none"]
    command = ["weak", "--images", a_folder / "img", "--out", a_folder / "out", "--method", "medclip-sam", *options]
    result = CliRunner().invoke(app, [*map(str, command), "--prompt", "disc"])
    assert isinstance(result.exception, Interrupted)
    assert asked == [{"disc": ["Knee MRI, a line"]}]
    assert json.loads((a_folder / "out" / "weak.json").read_text())["sentences"] == asked[0]
    (a_folder / "prompts.csv").write_text("Image,Description\ncase 0.png,disc\n")
    result = CliRunner().invoke(app, [*map(str, command), "--prompts", str(a_folder / "prompts.csv")])
    assert "give a single prompt" in str(result.exception)
    with pytest.raises(MedCLIPSegError, match="no study 'brain'"):
        weak(a_folder / "img", a_folder / "other", prompt="disc", settings=SETTINGS, study="brain")


def test_options_of_the_other_method_are_refused() -> None:
    with pytest.raises(MedCLIPSegError, match="--cycles belongs to the method medclip-sam-v2"):
        WeakSettings("medclip-sam", cycles=3)
    with pytest.raises(MedCLIPSegError, match="--batch-size belongs to the method medclip-sam"):
        WeakSettings("medclip-sam-v2", batch_size=3)
    with pytest.raises(MedCLIPSegError, match=r"threshold is 1\.0"):
        WeakSettings(threshold=1.0)


@pytest.mark.slow
def test_masks_are_evaluated_with_and_without_entropy(a_folder: Path, bright: dict[str, Any]) -> None:
    out = a_folder / "out"
    settings = dataclasses.replace(SETTINGS, epochs=12, learning_rate=1e-2)
    weak(a_folder / "img", out, prompt="disc", settings=settings, **bright)
    arguments = {"images": a_folder / "img", "labels": a_folder / "label"}
    metrics = evaluate_masks(out, a_folder / "scores", **arguments)
    dices = [
        dice_score(*(pixels(f / f"case {n}.png") > 127 for f in (out / "masks", a_folder / "label"))) for n in range(6)
    ]
    assert metrics["dice_mean"] == pytest.approx(np.mean(dices))
    assert metrics["dice_mean"] > max(metrics["dice_all_foreground_mean"], metrics["dice_empty_mean"]) + 0.1
    assert metrics["count_empty_truth"] == 1
    inside = read_volume(out / "masks" / "case 0.png").voxels > 0
    assert inside.any()
    nats = read_volume(out / "uncertainty" / "case 0.nrrd").voxels[inside].mean() * np.log(2)
    rows = list(csv.DictReader((a_folder / "scores/metrics.csv").open()))
    assert float(rows[0]["mean_uncertainty"]) == pytest.approx(nats, rel=1e-5)
    assert 0 <= metrics["pooled"]["auroc_entropy"] <= 1
    probability = [read_volume(out / "probability" / f"case {n}.nrrd").voxels for n in range(6)]
    squares = [np.square(p[0] - (pixels(a_folder / f"label/case {n}.png") > 127)) for n, p in enumerate(probability)]
    assert metrics["pooled"]["brier"] == pytest.approx(np.mean(squares), rel=1e-5)
    assert 0 < metrics["pooled"]["ece"] < 1
    assert "<h2>Calibration</h2>" in (a_folder / "scores/report.html").read_text(encoding="utf-8")
    plain = evaluate_masks(a_folder / "label", a_folder / "perfect", **arguments)
    assert (plain["dice_mean"], plain["iou_mean"], plain["nsd_mean"], plain["assd_mean"]) == (1, 1, 1, 0)
    assert set(plain["pooled"].values()) == {None}
    (a_folder / "label" / "case 3.png").unlink()
    assert evaluate_masks(out, a_folder / "other", **arguments)["without_known_mask"] == ["case 3.png"]


def test_evaluate_takes_masks_on_the_command_line(a_folder: Path) -> None:
    def call(*options: object) -> str:
        result = CliRunner().invoke(app, ["evaluate", "--out", str(a_folder / "scores"), *map(str, options)])
        return f"{result.output} {result.exception}"

    folders = ("--images", a_folder / "img", "--labels", a_folder / "label")
    assert "6 masks: mean Dice 1.0000" in call("--masks", a_folder / "label", *folders)
    assert "either --model, or --masks" in call("--masks", a_folder / "label", "--model", "mini", *folders)
    assert "either --model, or --masks" in call(*folders)
    assert "either --data, or --images" in call("--masks", a_folder / "label", "--overwrite")
