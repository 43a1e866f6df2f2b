"""A model behind another stem goes on as well as linear maps allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import timm
import torch
from pretrained_stem import SCALING, STEM, with_pretrained_stem

from MedCLIPSegLab.training.sampler import model_input
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import MeanNoise


def test_a_new_stem_brings_its_weights_and_hands_on_what_the_old_one_did(a_config: ModelConfig, tmp_path: Path) -> None:
    weights = timm.create_model("tf_efficientnet_lite0").state_dict()
    torch.save(weights, tmp_path / "lite.pth")
    before = MedCLIPSeg(a_config)
    pictures = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
    network = with_pretrained_stem(before, tmp_path / "lite.pth", pictures).eval()
    states = network.state_dict()
    assert all(torch.equal(states[STEM + name], weights[name]) for name in ("conv_stem.weight", "blocks.4.2.bn3.bias"))
    assert network.config.preprocessing.mean == SCALING
    # Twelve small pictures have fewer pixels than the new stem has channels: there the map is exact.
    with torch.inference_mode():
        old, _ = before.eval().vision_model.embed(model_input(pictures, a_config.preprocessing))
        new, _ = network.vision_model.embed(model_input(pictures, network.config.preprocessing))
        output = network(
            model_input(pictures[:1], network.config.preprocessing), torch.tensor([[2, 7, 3]]), MeanNoise()
        )
    assert torch.allclose(old, new, atol=0.05 * float(old.std()))
    assert torch.isfinite(output.logits).all()
