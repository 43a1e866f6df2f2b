"""``--json`` prints one document and nothing else, whatever the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import MedCLIPSegLogic
from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.cli.printing import print_json
from MedCLIPSegLab.results.demo import CASES, DemoOutcome

Call = Callable[..., int]


def commands(group: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*names, name))
        else:
            yield " ".join((*names, name)), command


def test_every_command_has_it() -> None:
    without = [
        name
        for name, command in commands(typer.main.get_group(app))
        if "--json" not in {option for parameter in command.params for option in parameter.opts}
    ]
    assert without == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("models", "list"), lambda rows: {row["name"]: row["state"] for row in rows}["mini"] == "bundled"),
        (("models", "info", "mini"), lambda info: info["name"] == "mini"),
        (("models", "verify", "mini"), lambda result: result["whole"] is True),
        (("prompt", "--list"), lambda parts: "breast ultrasound" in parts),
        (("prompt", "tumor", "--kind", "breast ultrasound"), lambda found: found["suggestions"] == []),
        (("prompt", "--kind", "breast ultrasound"), lambda made: made["prompt"]),
    ],
)
def test_what_is_told_of_the_bundled_model(
    arguments: tuple[str, ...], told: Callable[[Any], bool], call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments, "--json") == 0
    assert told(json.loads(capsys.readouterr().out))


def test_what_is_measured(call: Call, a_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("Image,Description,Ground Truth\ndermoscopy.jpg,skin lesion,dermoscopy_mask.png\n")
    options = ("--images", CASES, "--labels", CASES, "--prompts", sheet, "--samples", 1, "--device", "cpu", "--json")
    assert call("evaluate", "--model", a_model_folder, *options, "--out", tmp_path / "out") == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics == json.loads((tmp_path / "out" / "metrics.json").read_text())
    images = tmp_path / "set" / "Train_Folder" / "img"
    images.mkdir(parents=True)
    shutil.copy(CASES / "dermoscopy.jpg", images)
    assert call("data", "check", tmp_path / "set", "--json") == 1
    findings = json.loads(capsys.readouterr().out)
    assert {finding["severity"] for finding in findings} >= {"error"}
    assert all(finding["path"].startswith(str(tmp_path)) for finding in findings)


def test_a_table_of_the_paper_comes_with_its_rows(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (tmp_path / "table.md", tmp_path / "table.csv")
    files[1].write_text("Set,Dice\nBUSI,80.00\n")
    monkeypatch.setattr(MedCLIPSegLogic, "paper_tables", lambda *_, **__: files, raising=False)
    assert call("paper-tables", "backbones", "--config", tmp_path / "settings.toml", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [{"Set": "BUSI", "Dice": "80.00"}]


def test_what_json_does_not_know_is_made_plain(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = DemoOutcome("ä\udcff", "tumor", float("nan"), 1.5, Path("a") / "b.png")
    print_json({"outcomes": (outcome,), 3: float("inf")})
    told = {"title": "ä\udcff", "prompt": "tumor", "dice": None, "seconds": 1.5, "preview": str(Path("a") / "b.png")}
    assert json.loads(capsys.readouterr().out) == {"outcomes": [told], "3": None}
