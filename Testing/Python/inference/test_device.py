"""How many passes are computed together."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from MedCLIPSegLab.speed.measured import UNIMEDCLIP
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.device import choose_batch_size, is_out_of_memory
from MedCLIPSegLogic.model.config import ModelConfig

CPU = torch.device("cpu")


def test_a_step_is_one_pass_of_the_published_size_or_all_samples_of_a_small_model(a_config: ModelConfig) -> None:
    assert choose_batch_size(UNIMEDCLIP, 30, CPU) == 1
    assert choose_batch_size(a_config, 30, CPU) == 30
    assert choose_batch_size(a_config, 500, CPU) == 32


def test_memory_limits_the_batch(a_config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedCLIPSegLogic.inference.device.free_memory", lambda device: 4_000_000)
    few = choose_batch_size(a_config, 30, CPU)
    wide = dataclasses.replace(a_config, image=dataclasses.replace(a_config.image, width=48))
    assert 1 <= choose_batch_size(wide, 30, CPU) < few < 30
    monkeypatch.setattr("MedCLIPSegLogic.inference.device.free_memory", lambda device: 1000)
    with pytest.raises(MedCLIPSegError, match="too little free memory"):
        choose_batch_size(a_config, 30, CPU)


def test_other_words_for_too_little_memory() -> None:
    for words in (
        "CUDA error: out of memory",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "std::bad_alloc",
        "not enough memory: you",
    ):
        assert is_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
