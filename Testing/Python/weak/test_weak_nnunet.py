"""MedCLIP-SAMv2's weak stage around nnU-Net, which a double stands in for."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nnunet_double
import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from MedCLIPSegLab.weak.learning import weak
from MedCLIPSegLab.weak.nnunet_dataset import network_image, network_mask
from MedCLIPSegLab.weak.prediction import entropy_bits
from MedCLIPSegLab.weak.reporting import WeakProgress
from MedCLIPSegLab.weak.settings import CyclicTraining, WeakSettings
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.volumes.readers import read_volume

TRAINING = CyclicTraining(epochs=24, cycles=2, iterations=1)
SETTINGS = WeakSettings(epochs=24, cycles=2, iterations=1, image_size=64, device="cpu")
SNAPSHOTS = "nnunet/results/Dataset001_Weak/CyclicTrainer__nnUNetPlans__2d/fold_all/snapshots"


@pytest.fixture
def a_double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    nnunet_double.install(monkeypatch)
    yield
    sys.modules.pop("MedCLIPSegLab.weak.nnunet_trainer", None)


def test_without_nnunet_a_sentence_tells_how_to_get_it(
    a_folder: Path, bright: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "nnunetv2" else find(name))
    with pytest.raises(MedCLIPSegError, match=r'pip install "medclipseg\[weak\]", or choose --method medclip-sam'):
        weak(a_folder / "img", a_folder / "out", prompt="disc", **bright)
    assert not (a_folder / "out").exists()


@pytest.mark.usefixtures("a_double")
def test_the_data_set_has_the_layout_of_nnunet(a_folder: Path, bright: dict[str, Any]) -> None:
    weak(a_folder / "img", a_folder / "out", prompt="disc", settings=SETTINGS, **bright)
    raw = a_folder / "out/nnunet/raw/Dataset001_Weak"
    described = json.loads((raw / "dataset.json").read_text())
    assert described["channel_names"] == {"0": "R", "1": "G", "2": "B"}
    assert described["labels"] == {"background": 0, "foreground": 1}
    assert (described["numTraining"], described["file_ending"]) == (6, ".png")
    for number in range(6):
        image = np.array(Image.open(raw / "imagesTr" / f"case {number}_0000.png"))
        mask = np.array(Image.open(raw / "labelsTr" / f"case {number}.png"))
        assert image.shape == (64, 64, 3)
        assert mask.shape == (64, 64)
        assert set(np.unique(mask)) == ({0, 1} if number < 5 else {0})


def test_masks_do_not_get_thicker() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[20:60, 30:80] = 255
    shrunk = network_mask(mask, 50)
    assert shrunk.sum() == 20 * 25
    assert shrunk.dtype == np.uint8
    assert network_image(np.full((100, 80, 3), 77, np.uint8), 50).tolist() == np.full((50, 50, 3), 77).tolist()


@pytest.mark.usefixtures("a_double")
def test_the_trainer_follows_the_schedule_and_keeps_the_end_of_each_cycle(
    a_folder: Path, bright: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[WeakProgress] = []
    before = dict(os.environ)
    weak(a_folder / "img", a_folder / "out", prompt="disc", settings=SETTINGS, **bright, progress=seen.append)
    kept = sorted(path.name for path in (a_folder / "out" / SNAPSHOTS).iterdir())
    assert kept == [f"epoch_{epoch:04d}.safetensors" for epoch in (*range(3, 13), *range(15, 25))]
    assert [step.number for step in seen if step.stage == "training"] == list(range(1, 25))
    # The weight after each epoch is that of SGD by hand, with gradients of -1.
    weight, momentum = 0.0, 0.0
    for epoch in range(24):
        momentum = 0.99 * momentum - 1 if epoch else -1.0
        weight -= TRAINING.learning_rate(epoch) * (-1 + 0.99 * momentum)
        path = a_folder / "out" / SNAPSHOTS / f"epoch_{epoch + 1:04d}.safetensors"
        if path.is_file():
            assert float(load_file(path)["weight"]) == pytest.approx(weight, rel=1e-5)
    assert not list((a_folder / "out").rglob("*.pth"))
    assert "chatter" not in capsys.readouterr().out
    assert "chatter" in (a_folder / "out/nnunet/nnunet.log").read_text()
    assert dict(os.environ) == before


@pytest.mark.usefixtures("a_double")
def test_training_goes_on_from_its_last_state(a_folder: Path, bright: dict[str, Any]) -> None:
    arguments = {"prompt": "disc", "settings": SETTINGS, **bright}
    weak(a_folder / "img", a_folder / "whole", **arguments)

    def stop(step: WeakProgress) -> None:
        if (step.stage, step.number) == ("training", 14):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weak(a_folder / "img", a_folder / "parts", progress=stop, **arguments)
    seen: list[WeakProgress] = []
    weak(a_folder / "img", a_folder / "parts", progress=seen.append, **arguments)
    assert next(step.number for step in seen if step.stage == "training") == 11
    for name in ("epoch_0012", "epoch_0024"):
        first, second = (load_file(a_folder / out / SNAPSHOTS / f"{name}.safetensors") for out in ("whole", "parts"))
        assert float(first["weight"]) == pytest.approx(float(second["weight"]), rel=1e-6)
    again: list[WeakProgress] = []
    weak(a_folder / "img", a_folder / "parts", progress=again.append, **arguments)
    assert {step.stage for step in again} == {"pseudo-masks"}


@pytest.mark.usefixtures("a_double")
def test_the_prediction_is_the_mean_of_the_ensemble(a_folder: Path, bright: dict[str, Any]) -> None:
    out = a_folder / "out"
    Image.new("RGB", (64, 64), (51, 0, 0)).save(a_folder / "img" / "red.png")
    weak(a_folder / "img", out, prompt="disc", settings=SETTINGS, **bright)
    weights = [float(load_file(path)["weight"]) for path in (out / SNAPSHOTS).iterdir()]
    expected = min(float(np.mean(weights)) * 51 / 255, 1)
    probability, entropy = (read_volume(out / f / "red.nrrd").voxels for f in ("probability", "uncertainty"))
    assert probability == pytest.approx(np.full((1, 64, 64), expected), rel=1e-5)
    assert entropy == pytest.approx(entropy_bits(probability), abs=1e-6)
    assert read_volume(out / "masks" / "red.png").voxels.max() == 255 * (expected > 0.5)
