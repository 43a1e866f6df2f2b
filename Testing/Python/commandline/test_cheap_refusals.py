"""What can be refused without PyTorch is refused before it is imported, which takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ON_MINI = "--model mini --images images --labels images"
REFUSED = {
    "segment gone.png --prompt x --out new": "gone.png does not exist",
    "segment a.png --prompt x --out new --samples 0": "The number of samples is 0",
    "segment a.png --prompt x --out full": "The folder full already holds results",
    "segment a.png --prompt x --out new --model none": "There is no model 'none'",
    "segment a.png --prompt x --out new --model set": "set is not a model folder",
    "segment a.png --prompt= --out new": "The prompt is empty",
    "segment a.png --prompt x --out a.png": "a.png is a file",
    "zeroshot gone.png --prompt x --out new": "gone.png does not exist",
    "zeroshot a.png --prompt x --out new --confidence 7": "The least confidence is 7.0",
    "zeroshot a.png --prompt x --out full": "already holds results",
    "zeroshot a.png --prompt x --out new": "There is no SAM on this computer",
    "zeroshot a.png --prompt= --out new --sam none": "The prompt is empty",
    "demo --out demo": "already holds results",
    "train --data gone --out new": "The data set gone has no Prompts_Folder",
    "train --data set --out new --steps -1": "The number of steps is -1",
    "train --data set --out full": "The folder full is not empty",
    "train --data set --out new --start-from none": "There is no model 'none'",
    "train --data set --out new --resume": "There is no interrupted training in new",
    "train --data set --out new": "names the file 'gone.png'",
    "weak --images gone --prompt x --out new --method medclip-sam": "There is no folder gone",
    "weak --images images --prompt= --out new --method medclip-sam": "The prompt is empty",
    "weak --images images --prompt x --out full --method medclip-sam --sam none": "full is in use by something else",
    "weak --images images --prompt x --out new --method medclip-sam --model none": "There is no model 'none'",
    "clip-tune --pairs gone.csv --out new --start-from mini": "There is no table of pairs gone.csv",
    "clip-tune --pairs pairs.csv --out new --batch-size 0": "The batch size is 0",
    "clip-tune --pairs pairs.csv --out full": "The folder full is not empty",
    "clip-tune --pairs pairs.csv --out new": "The model 'biomedclip' is not on this computer yet",
    f"evaluate {ON_MINI} --prompts gone.csv --out new": "There is no prompt sheet gone.csv",
    f"evaluate {ON_MINI} --prompts sheet.csv --out new --samples 0": "The number of samples is 0",
    f"evaluate {ON_MINI} --prompts sheet.csv --out full": "already holds results",
    f"evaluate {ON_MINI} --prompts broken.csv --out new": "names the file 'gone.png'",
    f"evaluate {ON_MINI.replace('mini', 'none')} --prompts sheet.csv --out new": "There is no model 'none'",
    "evaluate --masks gone --images images --labels images --out new": "There is no folder gone",
    "evaluate --masks images --images images --labels images --out full": "already holds results",
    "probe --model mini --data gone --out new": "The data set gone has no Test_Folder/img",
    "probe --model mini --data set --out full": "already holds results",
    "probe --model none --data set --out new": "There is no model 'none'",
    "paper-tables backbones --config gone.toml": "There is no file gone.toml",
    "paper-tables backbones --config tables.toml": "There is no model 'none'",
    "prompt --model none": "There is no model 'none'",
    "speed --model none": "There is no model 'none'",
    "speed --samples 0": "The number of samples is 0",
    "speed --data gone": "The data set gone has no Test_Folder/img",
    "data check gone": "gone is no data set",
    "models info none": "There is no model 'none'",
    "models download none": "There is no published model 'none'",
    "models import gone.pth --as mine": "There is no file gone.pth",
    "models import a.png --as mini": "is the name of a bundled model",
    "models export none x.zip": "There is no model 'none'",
    "models export mini x.bin": "should end in .pth",
    "models export mini a.zip": "exists already",
    "models remove none": "There is no installed model 'none'",
    "models verify none": "There is no model 'none'",
}
PROGRAM = """
import contextlib, io, json, sys
from MedCLIPSegLab.cli.app import main

said = {}
for command in json.loads(sys.argv[1]):
    sys.argv[1:] = command.split()
    with contextlib.redirect_stderr(io.StringIO()) as text:
        try:
            main()
        except SystemExit as end:
            said[command] = [end.code, text.getvalue(), "torch" in sys.modules]
print(json.dumps(said))
"""


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(path)


@pytest.fixture
def a_desk(tmp_path: Path) -> Path:
    """A folder with something of everything."""
    for name in ("a.png", "images/a.png", "set/Test_Folder/img/a.png", "set/Test_Folder/label/a.png"):
        picture(tmp_path / name)
    picture(tmp_path / "set" / "Train_Folder" / "img" / "a.png")
    heading = "Image,Description,Ground Truth\n"
    prompts = tmp_path / "set" / "Prompts_Folder"
    prompts.mkdir()
    for path in (tmp_path / "sheet.csv", prompts / "Test_text_original.csv"):
        path.write_text(f"{heading}a.png,x,a.png\n")
    for path in (tmp_path / "broken.csv", prompts / "Train_text.csv"):
        path.write_text(f"{heading}gone.png,x,gone.png\n")
    (tmp_path / "pairs.csv").write_text("filename,Caption\na.png,a long caption of what the image shows\n")
    (tmp_path / "tables.toml").write_text('out = "tables"\nstart_from = "none"\n[sets]\nBUSI = "set"\n')
    (tmp_path / "a.zip").touch()
    for folder, name in (("full", "run.json"), ("full", "metrics.json"), ("full", "probes.json")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text('{"files": []}')
    (tmp_path / "demo" / "breast-ultrasound").mkdir(parents=True)
    (tmp_path / "demo" / "breast-ultrasound" / "run.json").write_text('{"files": []}')
    return tmp_path


def test_refusals_come_before_pytorch(a_desk: Path) -> None:
    before = sorted(a_desk.rglob("*"))
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([*REFUSED])], cwd=a_desk, capture_output=True, text=True, check=True
    )
    said = json.loads(run.stdout.splitlines()[-1])
    assert list(said) == list(REFUSED)
    for command, sentence in REFUSED.items():
        code, text, has_torch = said[command]
        assert (code, has_torch) == (2, False), (command, text)
        assert sentence in text, command
    assert sorted(a_desk.rglob("*")) == before
