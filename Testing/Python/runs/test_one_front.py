"""One table of choices through every way to ask for a run without the panel: all give the same request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from front_cases import A_SAM, CASES, IMAGE, PROMPT, expected, told
from small_sam import save_sam
from typer.testing import CliRunner

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.results import segmenting
from MedCLIPSegLogic import segment, zeroshot
from MedCLIPSegLogic.clip_sam.methods import METHODS
from MedCLIPSegLogic.runs.preparing import PreparedRun, prepare

NAMES = {"object_prompts": "prompts", "prompt_sets": "prompt-sets", "three_planes": "three-planes"}


class Prepared(Exception):
    """Nothing more shall happen."""


@pytest.fixture(scope="session")
def a_models_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home-with-sam")
    save_sam(home / "models" / A_SAM)
    return home


def by_python(choices: dict[str, Any], out: Path) -> None:
    given = dict(choices)
    if choices.get("model") in METHODS:
        zeroshot(IMAGE, PROMPT, out, given.pop("model"), given.pop("towers", None), **given)
    else:
        segment(IMAGE, PROMPT, out, **given)


def by_command_line(choices: dict[str, Any], out: Path) -> None:
    is_method = choices.get("model") in METHODS
    names = NAMES | ({"model": "method", "towers": "model"} if is_method else {})
    words = ["zeroshot" if is_method else "segment", str(IMAGE), "--prompt", PROMPT, "--out", str(out)]
    for name, value in choices.items():
        values = value if isinstance(value, tuple) else () if value is True else (value,)
        words += [f"--{names.get(name, name)}", *map(str, values)]
    failure = CliRunner().invoke(app, words).exception
    if failure is not None:
        raise failure


@pytest.mark.parametrize("way", [by_python, by_command_line])
def test_every_way_gives_the_same_request(
    way: Callable[[dict[str, Any], Path], None],
    a_models_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    asked: list[PreparedRun] = []

    def stop(*arguments: Any) -> None:
        asked.append(prepare(*arguments))
        raise Prepared

    monkeypatch.setenv("MEDCLIPSEG_HOME", str(a_models_home))
    monkeypatch.setattr(segmenting, "prepare", stop)
    for choices in CASES.values():
        with pytest.raises(Prepared):
            way(choices, tmp_path / "out")
    assert [told(each) for each in asked] == [expected(choices) for choices in CASES.values()]


def test_the_request_holds_what_was_chosen(a_models_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCLIPSEG_HOME", str(a_models_home))
    trained, method = expected(CASES["a trained model"]), expected(CASES["all of a method"])
    for request in (trained, method):
        assert (request["slices"], request["plane"], request["threshold"]) == ((10, 14), "coronal", (0.35,))
        assert (request["seed"], request["device"], request["intensity"].ends) == (9, "cpu", (0.0, 200.0))
        assert request["threads"] == 3
    assert (trained["model"], trained["samples"], trained["adaptive"].minimum) == ("mini", 7, 3)
    assert vars(method["components"]) == {"confidence": 0.25, "most": 2}
    assert vars(method["pointing"]) == {"kind": "both", "padding": 0.25, "points": 4}
    chain = method["model"]
    assert (chain.method, chain.towers, chain.sam, chain.study) == ("medclip-sam-v2", "mini", A_SAM, "brain MRI")
    assert "glioma" in chain.sentences[PROMPT][0]
    assert expected(CASES["medclip-sam-v2 as published"])["components"].confidence == 0.5
    assert expected(CASES["a coarse mask"])["components"].confidence == 0
