"""``medclipseg prompt`` writes prompts in a model's own words, and tells what it makes of others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.model.folder import save_knowledge

KIND = ("--kind", "breast ultrasound")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder as far as its words go."""
    folder = tmp_path / "model"
    folder.mkdir()
    tumor = KnownThing(images=400, dice=0.8, wordings={"mass": 0.8, "cancer": 0.0})
    example = "One small oval-shaped tumor at the top left in the breast ultrasound image."
    kinds = {
        "breast ultrasound": KnownKind(images=500, things={"tumor": tumor}, prompts=(example,)),
        "colonoscopy": KnownKind(images=500, things={"polyp": KnownThing(images=500, dice=0.8)}),
    }
    save_knowledge(Knowledge(kinds=kinds), folder)
    return folder


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), "One tumor in the breast ultrasound image."),
        (("--size", "small", "--at", 0.1, 0.2), "One small tumor at the top left in the breast ultrasound image."),
        (
            ("--shape", "oval", "--box", 0.1, 0.4, 0.3, 0.6),
            "One oval-shaped tumor at the left in the breast ultrasound image.",
        ),
        (("--thing", "tumor", "--place", "top"), "One tumor at the top in the breast ultrasound image."),
    ],
)
def test_parts_become_a_sentence(
    call: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    model: Path,
    options: tuple[object, ...],
    wanted: str,
) -> None:
    assert call("prompt", "--model", model, *KIND, *options) == 0
    assert capsys.readouterr().out == wanted + "\n"
    assert call("prompt", "--model", model, *KIND, *options, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"prompt": wanted}


def test_choices_are_listed(call: Callable[..., int], capsys: pytest.CaptureFixture[str], model: Path) -> None:
    assert call("prompt", "--model", model, "--list") == 0
    printed = capsys.readouterr().out
    assert "breast ultrasound:\n  thing: tumor\n  count: one\n  size: small\n  color: nothing\n" in printed
    assert "colonoscopy:\n  thing: polyp\n" in printed
    assert call("prompt", "--model", model, *KIND, "--list", "--json") == 0
    choices = json.loads(capsys.readouterr().out)
    assert list(choices) == ["breast ultrasound"]
    assert choices["breast ultrasound"]["place"] == ["top left", "top", "left"]


def test_a_text_is_checked_and_completed(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    assert call("prompt", "small cancer", "--model", model, *KIND) == 0
    assert capsys.readouterr().out.splitlines() == [
        "“cancer” is not known on breast ultrasound; did you mean “small tumor”?",
        "Instead: small tumor",
        "Instead: small mass",
        "Instead: tumor",
    ]
    assert call("prompt", "tum", "--model", model, *KIND) == 0
    assert "Goes on: tumor\n" in capsys.readouterr().out
    assert call("prompt", "a tumor", "--model", model, *KIND) == 0
    assert capsys.readouterr().out == "Understood.\n"
    assert call("prompt", "no polyp", "--model", model, *KIND, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["denies"], found["known_on"], found["presence_question"]) == (True, ["colonoscopy"], "polyp")
    assert found["spans"] == [[3, 8]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "chest X-ray"), "does not know “chest X-ray”; it knows breast ultrasound, colonoscopy."),
        ((*KIND, "--size", "vast"), "does not know the size “vast” on this kind of image; choose small."),
        ((*KIND, "--place", "top", "--at", 0, 0), "Give a place, a point or a box"),
        ((*KIND, "--at", 1.5, 0), "between 0 and 1"),
    ],
)
def test_what_a_model_does_not_know_is_refused(
    call: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    model: Path,
    options: tuple[object, ...],
    words: str,
) -> None:
    assert call("prompt", "--model", model, *options) == 2
    assert words in capsys.readouterr().err


def test_a_model_without_knowledge_is_refused(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    assert call("prompt", "tumor", "--model", tmp_path / "bare") == 2
    assert "bare has no knowledge.json" in capsys.readouterr().err


def test_nothing_heavy_is_loaded(model: Path) -> None:
    code = f"""
import sys
sys.argv[1:] = ["prompt", "no small tumro", "--model", {str(model)!r}]
from MedCLIPSegLab.cli.app import main
try:
    main()
except SystemExit as end:
    print(end.code, "torch" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "None False"
