"""Several processes under torchrun."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from model_saving import save_checkpoint
from safetensors.torch import load_file

from MedCLIPSegLab.training import trainer
from MedCLIPSegLogic.model.config import AdapterConfig, HeadConfig, ImageTowerConfig, ModelConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
from MedCLIPSegLab.training import trainer
from MedCLIPSegLab.training.settings import LossWeights
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLab.training.train import train

trainer.FreshNoise = lambda: lambda adapter, direction, values: values * 0  # every process has noise of its own
settings = TrainingSettings(
    steps=2, batch_size=4, stages=((1.0, 32),), learning_rate=1e-4, loss=LossWeights(contrast=0), validate_every=2,
    accumulation=2, threads=1, device="cpu",
)
data, start, out = sys.argv[1:4]
train([data], out, settings, start_from=start)
"""


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(
    a_data_set: Callable[..., Path],
    a_config: ModelConfig,
    a_model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script, data, start = tmp_path / "run.py", a_data_set(), tmp_path / "start"
    script.write_text(SCRIPT)
    start.mkdir()
    torch.manual_seed(2)
    image = ImageTowerConfig(kind="vit", image_size=32, patch_size=16, width=24, layers=3, heads=2)
    adapter = AdapterConfig(width=8, fusion_layers=(1, 2), mask_padding=True)
    config = ModelConfig("test", 16, image, a_config.text, adapter, HeadConfig(), a_config.preprocessing)
    save_checkpoint(MedCLIPSeg(config), start)
    (start / "vocab.txt").write_bytes((a_model_folder / "vocab.txt").read_bytes())
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    one, two = tmp_path / "one", tmp_path / "two"
    monkeypatch.setattr(sys, "argv", ["run.py", str(data), str(start), str(one)])
    monkeypatch.setattr(trainer, "FreshNoise", trainer.FreshNoise)  # the script replaces it; undone after the test
    runpy.run_path(str(script))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [*torchrun, str(script), str(data), str(start), str(two)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads((out / "training.json").read_text())["processes"] for out in (one, two)] == [1, 2]
    wanted, found = (load_file(out / "state.safetensors") for out in (one, two))
    moments = [name for name in wanted if name.endswith("exp_avg")]
    assert moments == [name for name in found if name.endswith("exp_avg")]
    assert max(float(wanted[name].abs().max()) for name in moments) > 1e-3
    for name in moments:  # the running average of the gradient
        assert wanted[name].numpy() == pytest.approx(found[name].numpy(), rel=1e-2, abs=1e-5), name
