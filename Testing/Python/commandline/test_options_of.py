"""Every option of a dataclass is on the command line, with its help, range and default; known names stay."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from MedCLIPSegLab.cli.options_of import options_of
from MedCLIPSegLogic.checked import checked

KNOWN = {
    "segment": "--prompt --out --model --samples --threshold --plane --window --preset --device --seed --slices "
    "--adaptive --precision --overwrite --json",
    "zeroshot": "--method --model --sam --prompts --binarization --confidence --objects --padding --points --study "
    "--design --kind --prompt-sets --threshold --seed --words",
    "weak": "--images --prompts --predict --method --model --sam --study --design --kind --prompt-sets --confidence "
    "--objects --leave-out-empty --epochs --batch-size --learning-rate --cycles --iterations --schedule --image-size "
    "--threshold --seed --device --workers",
    "train": "--data --start-from --recipe --settings --steps --epochs --batch-size --accumulation --stages "
    "--learning-rate --freeze-towers --whole-network --data-share --dice --prompt-styles --no-mosaics "
    "--stochastic-head --keep --patience --precision --device --seed --validate-every --threads --tensorboard --resume",
    "clip-tune": "--pairs --validation --test --images --batch-size --parts --epochs --patience --learning-rate "
    "--decay --weight-decay --temperature --beta-image --beta-text --reduction --validation-share --min-caption "
    "--precision --device --seed --save-every --threads --resume",
    "speed": "--model --random-weights --data --limit --samples --repeats --device --threads --part --json",
}


@checked
@dataclass(frozen=True)
class Some:
    """Settings of every kind."""

    count: Annotated[int, Field(ge=1, le=9, description="How many [of them].")] = 3
    share: Annotated[float | None, Field(gt=0)] = None
    kind: Literal["a", "b"] = "a"
    parts: tuple[Literal["x", "y"], ...] = ("x",)
    window: tuple[float, float] | None = None
    files: tuple[Path, ...] = ()
    flag: bool = False
    both: bool = True
    either: float | tuple[float, ...] = 0.5
    table: dict[str, float] | None = None


def test_a_command_gets_what_was_given_alone() -> None:
    app, got = typer.Typer(rich_markup_mode="rich"), []

    @app.command()
    @options_of(Some, {"parts": "--part", "both": "--both/--one"}, {"kind"})
    def command(name: str, **choices: Any) -> None:
        """Do."""
        got.append((name, choices))

    def run(*arguments: str) -> str:
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False, env={"COLUMNS": "200"}).stdout

    run("n")
    arguments = "n --count 3 --share 2 --part x --part y --window 1 2 --files a --flag --one --either 1"
    run(*shlex.split(arguments))
    assert got == [
        ("n", {}),
        (
            "n",
            {
                "count": 3,
                "share": 2.0,
                "parts": ["x", "y"],
                "window": (1.0, 2.0),
                "files": [Path("a")],
                "flag": True,
                "both": False,
                "either": 1.0,
            },
        ),
    ]
    assert Some(**got[1][1]).parts == ("x", "y")
    printed = run("--help")
    assert re.search(r"How many \[of them\]\. \[between 1 and 9; default: 3\]", printed)
    assert not re.search("--kind|--table|--no-flag", printed)


def test_options_that_users_know_are_there(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command, options in KNOWN.items():
        assert call(command, "--help") == 0
        printed = capsys.readouterr().out
        assert [option for option in options.split() if not re.search(rf"{option}\b(?!-)", printed)] == [], command
