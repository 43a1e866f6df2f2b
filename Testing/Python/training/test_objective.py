"""One pass of a batch and its loss, and what is left of options that are gone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from monai.losses import DiceLoss

from MedCLIPSegLab.training.objective import (
    PassOutput,
    TrainingPass,
    batch_loss,
    dice_loss,
    published_row_dice_loss,
)
from MedCLIPSegLab.training.settings import LossWeights, TrainingSettings, as_json
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.network import MedCLIPSeg, NetworkOutput
from MedCLIPSegLogic.model.noise import FreshNoise

IMAGES, TOKENS = torch.zeros(2, 3, 32, 32), torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])


def test_without_further_options_the_loss_is_the_published_one() -> None:
    logits, mask = torch.randn(2, 8, 8), (torch.rand(2, 8, 8) > 0.5).float()
    output = NetworkOutput(logits, torch.ones(2, 4, 2, 2) / 2, torch.ones(2, 4))
    for dice in ("per-image", "published-rows"):
        total, parts = batch_loss(PassOutput(output), mask, TrainingSettings(dice=dice, loss=LossWeights()))
        assert set(parts) == {"dice", "cross_entropy", "contrast"}
        dice_part = (dice_loss if dice == "per-image" else published_row_dice_loss)(logits, mask)
        assert parts["dice"] == pytest.approx(float(dice_part))
        wanted = 0.5 * parts["dice"] + 0.5 * parts["cross_entropy"] + 0.1 * parts["contrast"]
        assert float(total) == pytest.approx(wanted, rel=1e-5)


def test_the_vectors_without_adapters_leave_the_pass_as_it_is(a_config: ModelConfig) -> None:
    network, outputs = MedCLIPSeg(a_config).eval(), []
    for plain in (False, True):
        torch.manual_seed(4)
        outputs.append(TrainingPass(network, plain)(IMAGES, TOKENS, FreshNoise()))
    assert torch.allclose(outputs[0].output.logits, outputs[1].output.logits, atol=1e-6)
    assert outputs[0].plain is None
    assert [tuple(vectors.shape) for vectors in outputs[1].plain] == [(2, a_config.joint_width)] * 2


def test_options_that_are_gone_are_read_where_they_changed_nothing() -> None:
    runs = json.loads((find_model("mini") / "training.json").read_text())["earlier"]
    record = next(run for run in runs if "adapter_members" in run["settings"])
    old = {"samples", "sample_loss", "adapter_members"}
    assert old <= set(record["settings"])
    settings = as_json(TrainingSettings().changed(record["settings"]))
    assert settings.items() >= {n: v for n, v in record["settings"].items() if n not in {*old, "loss"}}.items()
    for change, name in (
        ({"samples": 2}, "samples = 2"),
        ({"adapter_members": 3}, "adapter_members = 3"),
        ({"loss": {"energy": 0.1}}, "loss.energy = 0.1"),
    ):
        with pytest.raises(MedCLIPSegError, match=f"{name} is no longer part of the product"):
            TrainingSettings().changed(change)


def test_a_single_set_of_adapters_is_read_and_an_ensemble_refused(a_model_folder: Path) -> None:
    path = a_model_folder / "config.json"
    for members in (1, 4):
        config = dataclasses.asdict(read_config(a_model_folder)) if members == 1 else json.loads(path.read_text())
        config["adapter"]["members"] = members
        path.write_text(json.dumps(config))
        if members == 1:
            assert read_config(a_model_folder).adapter.width == config["adapter"]["width"]
    with pytest.raises(MedCLIPSegError, match=r"config\.json has the field 'adapter\.members' 4: an ensemble"):
        read_config(a_model_folder)


def test_the_dice_losses_are_those_of_monai() -> None:
    logits, mask = torch.randn(3, 16, 12), (torch.rand(3, 16, 12) > 0.5).float()
    per_image = DiceLoss(sigmoid=True, smooth_nr=1.0, smooth_dr=1.0)(logits[:, None], mask[:, None])
    assert torch.allclose(dice_loss(logits, mask), per_image, atol=1e-6)
    rows = DiceLoss(include_background=False, sigmoid=True)(logits, mask)
    assert torch.allclose(published_row_dice_loss(logits, mask), rows, atol=1e-6)
