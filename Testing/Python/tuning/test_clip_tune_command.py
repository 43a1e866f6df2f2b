"""``medclipseg clip-tune``: options, output, exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from MedCLIPSegLab.cli.app import main

SHORT = ("--batch-size", 4, "--epochs", 1, "--learning-rate", 1e-3, "--min-caption", 5, "--threads", 1)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["medclipseg", "clip-tune", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_it_tells_the_retrieval_before_and_after(
    a_model_folder: Path,
    some_pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "tuned"
    assert call(monkeypatch, "--pairs", some_pairs, "--out", out, "--start-from", a_model_folder, *SHORT) == 0
    said = capsys.readouterr().out
    assert "Retrieval on 2 validation pairs" in said
    assert "image to text top-1" in said
    assert str(out) in said
    settings = json.loads((out / "tuning.json").read_text())["settings"]
    assert (settings["batch_size"], settings["temperature"], settings["beta_image"]) == (4, 0.6, 0.15)
    assert call(monkeypatch, "--pairs", some_pairs, "--out", out, "--resume", "--epochs", 2, "--json") == 0
    assert json.loads((out / "tuning.json").read_text())["epochs"] == 2
    report = json.loads(capsys.readouterr().out)
    assert (report["folder"], report["epochs"], report["after"]["validation"]["pairs"]) == (str(out), 2, 2)


def test_bad_input_is_one_sentence(
    a_model_folder: Path,
    some_pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    start = ("--pairs", some_pairs, "--out", tmp_path / "tuned", "--start-from", a_model_folder)
    for options, words in (
        (("--temperature", 0), "The temperature is 0.0; it must be above 0."),
        (("--decay", 1.5), "The decay of the learning rate is 1.5; it must be above 0 and at most 1."),
        (("--resume",), "There is no interrupted tuning"),
        (("--images", tmp_path), "Row 2 of"),
    ):
        assert call(monkeypatch, *start, *options) == 2
        assert words in capsys.readouterr().err
    assert call(monkeypatch, "--pairs", some_pairs, "--out", tmp_path / "tuned") == 2
    assert "medclipseg models download biomedclip" in capsys.readouterr().err
    assert not (tmp_path / "tuned").exists()
