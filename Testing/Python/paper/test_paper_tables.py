"""The tables of the paper on small data, end to end."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.paper import cells
from MedCLIPSegLab.paper.configuration import read_configuration
from MedCLIPSegLab.paper.paper_tables import paper_tables
from MedCLIPSegLab.training.request import TRAINING_RUN
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.errors import MedCLIPSegError

Configuration = Callable[..., Path]
EXAMPLE = Path(__file__).resolve().parents[3] / "Resources" / "Examples" / "paper-tables.toml"


@pytest.fixture(autouse=True)
def few_threads() -> None:
    torch.set_num_threads(1)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_data_efficiency_beside_published_numbers_and_baseline(a_configuration: Configuration) -> None:
    markdown, path = paper_tables("data-efficiency", a_configuration())
    rows = table(path)
    assert [(row["training data"], row["network"], row["published mean"]) for row in rows] == [
        ("50 %", "model", "87.18"),
        ("50 %", "U-Net", ""),
        ("100 %", "model", "88.66"),
        ("100 %", "U-Net", ""),
    ]
    assert all(0 <= float(row["breasts"]) == float(row["mean"]) <= 100 for row in rows)
    assert "they are not there: gone" in markdown.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_second_protocol_reuses_what_is_done(a_configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    config = a_configuration(baseline="none")
    calls: list[str] = []
    for name in ("train", "evaluate_sets"):
        original = getattr(cells, name)

        def count(*args: object, _name: str = name, _original: Callable = original, **options: object) -> object:
            calls.append(_name)
            return _original(*args, **options)

        monkeypatch.setattr(cells, name, count)
    _, path = paper_tables("domain-generalization", config)
    assert calls == ["train", "evaluate_sets", "evaluate_sets"]
    first = path.read_text()
    paper_tables("domain-generalization", config)
    assert len(calls) == 3
    assert path.read_text() == first
    rows = {(row["trained on"], row["tested on"]): row for row in table(path)}
    inside, outside, both = (float(rows["mean", kind]["Dice"]) for kind in ("in-domain", "out-of-domain", "harmonic"))
    assert both == pytest.approx(2 * inside * outside / max(inside + outside, 1e-9), abs=0.02)
    assert rows["mean", "harmonic"]["published"] == "83.76"
    markdown, path = paper_tables("prompt-styles", config)
    assert calls[3:] == ["evaluate_sets"] * 4  # neutral and absent, in and out of domain
    rows = {row["prompts"]: row for row in table(path)}
    assert rows["contradictory"]["in-domain"] == ""
    assert rows["absent"]["in-domain"] != ""
    assert "No sheet of the style contradictory: breasts, others" in markdown.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_killed_training_goes_on(a_configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    def hurried(*arguments: Any) -> Path:
        folder = train(*arguments)
        TRAINING_RUN.write(folder, {**TRAINING_RUN.read(folder), "seconds": 0.3})
        return folder

    monkeypatch.setattr(cells, "train", hurried)

    class Killed(Exception):
        pass

    def kill(what: str, share: float) -> None:
        if what.startswith("training U-Net") and share > 0.5:
            raise Killed

    config = a_configuration(shares=[100], baseline="seconds")
    with pytest.raises(Killed):
        paper_tables("data-efficiency", config, kill)
    seen: list[str] = []
    paper_tables("data-efficiency", config, lambda what, share: seen.append(what))
    assert not any(what.startswith("training model") for what in seen)
    assert any(what.startswith("training U-Net") for what in seen)


def test_other_settings_are_not_mixed_with_old_results(a_configuration: Configuration) -> None:
    paper_tables("data-efficiency", a_configuration(shares=[100], baseline="none"))
    changed = a_configuration(shares=[100], baseline="none", training={"steps": 5, "stages": [[1.0, 32]]})
    with pytest.raises(MedCLIPSegError, match="begun with batch size 2, not 8"):
        paper_tables("data-efficiency", changed)


def test_bad_configurations_are_named(a_configuration: Configuration) -> None:
    refused: list[tuple[dict, str]] = [
        ({"sets": {}}, "sets"),
        ({"colour": "red"}, "'colour' is unknown"),
        ({"shares": [0]}, "between 1 and 100"),
        ({"train_on": ["nowhere"]}, "'nowhere' is not among"),
        ({"training": {"seed": 3}}, "training.seed"),
        ({"training": {"stepps": 3}}, "'stepps' is unknown"),
        ({"sets": {"breasts": "a", "others": "b", "gone": "c"}}, "None of the data sets"),
    ]
    for change, words in refused:
        with pytest.raises(MedCLIPSegError, match=words):
            paper_tables("data-efficiency", a_configuration(**change))


def test_the_example_is_valid_and_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = read_configuration(EXAMPLE)
    assert config.sets["BUSI"] == os.fspath(EXAMPLE.parent / "data/BUSI")
    assert config.recipe == "published"
    monkeypatch.setattr(sys, "argv", ["medclipseg", "paper-tables", "backbones", "--config", str(EXAMPLE)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "None of the data sets of the configuration is there" in capsys.readouterr().err
