"""``medclipseg train``: which settings the options make."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from MedCLIPSegLab.cli.app import main

SHORT = ("--steps", "2", "--batch-size", "2", "--stages", "1:32", "--validate-every", "1", "--threads", "1")


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["medclipseg", "train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_options_change_the_recipe_and_a_resumed_run_keeps_them(
    a_data_set: Callable[..., Path],
    a_model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, out = a_data_set(), tmp_path / "model"
    options = ("--no-mosaics", "--keep", "latest", "--data-share", 50)
    assert call(monkeypatch, "--data", data, "--out", out, "--start-from", a_model_folder, *SHORT, *options) == 0
    record = json.loads((out / "training.json").read_text())
    last, best = record["last"], record["best"]
    assert (last["step"], best["dice_mean"] >= last["dice_mean"]) == (2, True)
    told = capsys.readouterr().out
    assert told.startswith(
        f"Loss {last['loss']:.4f} at step 2, mean validation Dice {last['dice_mean']:.3f} "
        f"(discs {last['dice_discs']:.3f}); the best was {best['dice_mean']:.3f} at step {best['step']:.0f}, "
        "and the model has the latest weights.\n"
    )
    settings = record["settings"]
    assert (settings["keep"], settings["composition"]) == ("latest", None)
    assert settings["loss"]["auxiliary"] == 0.3
    assert settings["styles"]["short"] > 0
    assert record["data"]["discs"]["images"] == 3
    assert call(monkeypatch, "--data", data, "--out", out, "--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"model": str(out), **json.loads((out / "training.json").read_text())}
    assert json.loads((out / "training.json").read_text())["settings"] == settings
    assert call(monkeypatch, "--data", data, "--out", out, "--resume", "--keep", "best") == 2
    assert "begun with keep latest, not best" in " ".join(capsys.readouterr().err.split())
