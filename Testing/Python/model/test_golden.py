"""Parity with the published network: weights, noise and outputs of the golden files."""

from __future__ import annotations

from pathlib import Path

import torch
from golden_files import errors, read_golden, replay_model, replay_modules


def test_modules_match_and_any_change_is_noticed(golden_folder: Path) -> None:
    tensors, _ = read_golden(golden_folder / "modules.safetensors")
    found = errors(tensors, replay_modules(tensors))
    assert set(found) == {"attention.output", "adapter.vision_output", "adapter.text_output", "upscale.output"}
    assert max(found.values()) < 1e-5
    weights = tensors["attention.state.q_proj.weight"].clone()
    weights[0] += 0.1
    changed = replay_modules(tensors | {"attention.state.q_proj.weight": weights})
    assert errors(tensors, changed)["attention.output"] > 1e-4
    still = {"adapter.noise_image_from_text": torch.zeros_like(tensors["adapter.noise_image_from_text"])}
    assert errors(tensors, replay_modules(tensors | still))["adapter.vision_output"] > 1e-4


def test_whole_model_matches(golden_folder: Path) -> None:
    tensors, metadata = read_golden(golden_folder / "tiny_unimedclip.safetensors")
    found = errors(tensors, replay_model(tensors, metadata))
    assert {"sample_logits", "probability", "entropy", "train.logits", "train.total_loss"} <= set(found)
    assert max(found.values()) < 1e-5
