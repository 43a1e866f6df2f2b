"""Parity with the published network: weights, noise and outputs of the golden files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from MedCLIPSegLab.verify import verify
from MedCLIPSegLogic.errors import MedCLIPSegError


def test_modules_match_within_single_precision(golden_folder: Path) -> None:
    errors = verify(golden_folder / "modules.safetensors")
    assert set(errors) == {"attention.output", "adapter.vision_output", "adapter.text_output", "upscale.output"}
    assert max(errors.values()) < 1e-5


def test_whole_model_matches(golden_folder: Path) -> None:
    errors = verify(golden_folder / "tiny_unimedclip.safetensors")
    assert {"sample_logits", "probability", "entropy", "train.logits", "train.total_loss"} <= set(errors)
    assert max(errors.values()) < 1e-5


def test_one_changed_weight_is_noticed(golden_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(golden_folder / "modules.safetensors")
    tensors["attention.state.q_proj.weight"][0] += 0.1
    save_file(tensors, tmp_path / "changed.safetensors")
    assert verify(tmp_path / "changed.safetensors")["attention.output"] > 1e-4


def test_changed_noise_is_noticed(golden_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(golden_folder / "modules.safetensors")
    tensors["adapter.noise_image_from_text"] = torch.zeros_like(tensors["adapter.noise_image_from_text"])
    save_file(tensors, tmp_path / "changed.safetensors")
    assert verify(tmp_path / "changed.safetensors")["adapter.vision_output"] > 1e-4


@pytest.mark.parametrize("missing", ["attention.noise", "upscale.input", "adapter.state.proj_vis_up.weight"])
def test_incomplete_file_is_named(golden_folder: Path, tmp_path: Path, missing: str) -> None:
    tensors = load_file(golden_folder / "modules.safetensors")
    del tensors[missing]
    save_file(tensors, tmp_path / "cut.safetensors")
    with pytest.raises(MedCLIPSegError, match=r"cut\.safetensors"):
        verify(tmp_path / "cut.safetensors")


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(MedCLIPSegError, match="no golden file"):
        verify(tmp_path / "foreign.safetensors")


def test_a_stored_output_that_is_not_a_number_fails(golden_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(golden_folder / "modules.safetensors")
    tensors["upscale.output"][0, 0, 0, 0] = float("nan")
    save_file(tensors, tmp_path / "nan.safetensors")
    assert verify(tmp_path / "nan.safetensors")["upscale.output"] == float("inf")
