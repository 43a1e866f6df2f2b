"""A deeper model begins as the one it grew from."""

from __future__ import annotations

from pathlib import Path

import torch
from grown import deepen

from MedCLIPSegLogic.model.catalog import BUNDLED_MODELS
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.model.noise import MeanNoise
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer


def test_new_layers_change_nothing(tmp_path: Path) -> None:
    before = load_model("mini")
    layers = before.config.image.layers + 2
    size = before.config.image.image_size
    network = deepen(BUNDLED_MODELS / "mini", tmp_path, ["zebra stripes"] * 2, size, layers, 5000, 0.0).eval()
    assert network.config.image.layers == layers
    images, prompts = torch.rand(1, 3, size, size), ["a tumor"]
    with torch.inference_mode():
        ours = network(images, PromptTokenizer(network.config, tmp_path)(prompts), MeanNoise()).logits
        theirs = before.network(images, before.tokenizer(prompts), MeanNoise()).logits
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert "zebra" in (tmp_path / "vocab.txt").read_text(encoding="utf-8").split("\n")
