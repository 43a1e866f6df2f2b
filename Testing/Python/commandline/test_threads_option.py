"""Every command that computes takes ``--threads``, and computes with as many."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from MedCLIPSegLab.cli.commands import app
from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLogic.inference import threads

DO_NOT_COMPUTE = {"data", "models", "prompt"}
"""They look after files, and at words."""
COMMANDS = {
    "segment": "picture.png --prompt tumor --out out --model {model} --samples 2",
    "zeroshot": "picture.png --prompt tumor --out out --model {model} --sam none --words",
    "demo": "--out out",
    "weak": "--images set/Train_Folder/img --prompt tumor --out out --method medclip-sam --model {model} --sam none "
    "--epochs 1 --batch-size 2 --image-size 32 --confidence 0",
    "train": "--data set --out out --steps 1 --batch-size 2 --stages 1:32",
    "know": "{model} --data set --out out",
    "clip-tune": "--pairs pairs.csv --out out --start-from {model} --batch-size 2 --epochs 1 --min-caption 5",
    "evaluate": "--model {model} --data set --style original --out out --samples 1",
    "probe": "--model {model} --data set --out out --samples 1",
    "paper-tables": "backbones --config tables.toml",
    "speed": "--model {model} --samples 3 --repeats 1 --limit 1 --part variants --device cpu --json",
}
TABLES = """
out = "out"
start_from = "{model}"
samples = 1
transfer = {{ set = ["other"] }}
baseline = "none"
recipe = "published"
[sets]
set = "set"
other = "other"
[backbones]
mine = "{model}"
[training]
epochs = 1
batch_size = 2
freeze_towers = true
stages = [[1.0, 32]]
"""


@pytest.fixture
def a_desk(a_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model, two data sets, a picture, pairs and a configuration in the working folder."""
    rng = np.random.default_rng(4)
    monkeypatch.chdir(tmp_path)
    rows = ["Image,Description,Ground Truth", "a.png,one tumor on the left,a.png", "b.png,one tumor,b.png"]
    for split, sheet in (("Train", "Train_text"), ("Val", "Val_text"), ("Test", "Test_text_original")):
        for kind in ("img", "label"):
            (tmp_path / "set" / f"{split}_Folder" / kind).mkdir(parents=True)
        (tmp_path / "set" / "Prompts_Folder").mkdir(exist_ok=True)
        (tmp_path / "set" / "Prompts_Folder" / f"{sheet}.csv").write_text("\n".join(rows))
        for name in ("a.png", "b.png"):
            mask = np.zeros((40, 50), np.uint8)
            mask[10:30, 10:30] = 255
            folder = tmp_path / "set" / f"{split}_Folder"
            Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / "img" / name)
            Image.fromarray(mask).save(folder / "label" / name)
    shutil.copytree(tmp_path / "set", tmp_path / "other")
    shutil.copy(tmp_path / "set" / "Test_Folder" / "img" / "a.png", tmp_path / "picture.png")
    lines = [f"picture{n}.png,a tumor in picture {n}" for n in range(8)]
    for n in range(8):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(tmp_path / f"picture{n}.png")
    (tmp_path / "pairs.csv").write_text("\n".join(["filename,Caption", *lines]))
    (tmp_path / "tables.toml").write_text(TABLES.format(model=a_model_folder.as_posix()))
    return a_model_folder


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[int]]:
    """The numbers of threads with which the layers of networks compute: two, where nobody says otherwise."""
    seen: set[int] = set()

    def look(_layer: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        if not any(isinstance(each, torch.Tensor) and each.is_meta for each in inputs):  # those compute nothing
            seen.add(torch.get_num_threads())

    handle = torch.nn.modules.module.register_module_forward_pre_hook(look)
    monkeypatch.setattr(threads, "free_threads", lambda most: most)
    torch.set_num_threads(2)
    yield seen
    torch.set_num_threads(1)
    handle.remove()


def test_every_command_that_computes_has_the_option() -> None:
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    shown = {name: command for name, command in commands.items() if not command.hidden}
    with_option = {n for n, command in shown.items() if any("--threads" in p.opts for p in command.params)}
    assert with_option == shown.keys() - DO_NOT_COMPUTE == COMMANDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_it_computes_with_as_many(
    command: str, a_desk: Path, numbers: set[int], call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[command].format(model=a_desk).split()
    assert call(command, *words, "--threads", 1) == 0, capsys.readouterr().err
    assert numbers == {1}
    assert torch.get_num_threads() == 2
    if command in ("segment", "zeroshot"):
        assert json.loads(Path("out/run.json").read_text())["threads"] == 1
    if command == "speed":
        assert json.loads(capsys.readouterr().out)["machine"]["threads"] == 1


def test_other_numbers_are_refused(refusal: Callable[..., str]) -> None:
    for given in ("many", "-1", "1.5", "1025"):
        for command in (f"segment {CASES / 'dermoscopy.jpg'} --prompt x", "demo"):
            sentence = refusal(*command.split(), "--threads", given)
            assert f"The number of threads is {given}; it must be auto or a whole number from 1 to 1024." in sentence
