"""Numbers the towers compute with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference import device as devices
from MedCLIPSegLogic.model.config import AdapterConfig, HeadConfig, ImageTowerConfig, ModelConfig, TextTowerConfig
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import SeededNoise
from MedCLIPSegLogic.model.quantization import quantized
from MedCLIPSegLogic.volumes.volume import Volume

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
PUBLISHED_STYLE = ModelConfig(
    "test",
    32,
    ImageTowerConfig("vit", 64, 16, 64, 4, 2, activation="quick_gelu"),
    TextTowerConfig("bert", 12, 50, 64, 4, 2, max_positions=20),
    AdapterConfig(16, (1, 2)),
    HeadConfig(),
)


def test_int8_is_near_and_leaves_the_network_as_it_was(a_model: LoadedModel, a_picture: Volume) -> None:
    before = finish(a_model, a_picture)
    assert before.settings["precision"] == "float32"
    rough = finish(a_model, a_picture, precision="int8")
    after = finish(a_model, a_picture)
    assert rough.settings["precision"] == "int8"
    difference = np.abs(rough.prompts[0].probability - before.prompts[0].probability).max()
    assert 0 < difference < 0.05
    assert np.array_equal(before.prompts[0].probability, after.prompts[0].probability)


def test_int8_rows_do_not_influence_each_other(a_model: LoadedModel, a_volume: Volume) -> None:
    whole = finish(a_model, a_volume, precision="int8")
    part = finish(a_model, a_volume, precision="int8", slices=(2, 4))
    assert np.array_equal(whole.prompts[0].probability[2:4], part.prompts[0].probability[2:4])
    large = finish(a_model, a_volume, precision="int8", batch_size=8)
    assert np.array_equal(whole.prompts[0].probability, large.prompts[0].probability)


def test_every_linear_layer_of_the_published_towers_is_quantized() -> None:
    torch.manual_seed(1)
    network = MedCLIPSeg(PUBLISHED_STYLE).eval()
    twin = quantized(network)
    assert quantized(network) is twin
    for tower in (twin.vision_model, twin.text_model):
        assert not [n for n, m in tower.named_modules() if type(m) in (torch.nn.Linear, torch.nn.MultiheadAttention)]
    images, ids = torch.randn(1, 3, 64, 64), torch.tensor([[2, 7, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0]])
    with torch.inference_mode():
        exact, rough = (n(images, ids, SeededNoise(0, [(0, 0)])).logits for n in (network, twin))
    assert torch.corrcoef(torch.stack([exact.flatten(), rough.flatten()]))[0, 1] > 0.99
    shared = {id(p) for p in network.pvl_adapters.parameters()}
    assert {id(p) for p in twin.pvl_adapters.parameters()} == shared


def test_fast_is_what_the_device_does_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for bfloat16, int8, device, wanted in (
        (True, True, CPU, "int8"),
        (False, True, CPU, "int8"),
        (True, False, CPU, "float32"),
        (True, True, CUDA, "bfloat16"),
        (False, True, CUDA, "float16"),
    ):
        monkeypatch.setattr(devices, "can_quantize", lambda int8=int8: int8)
        monkeypatch.setattr(devices, "has_bfloat16", lambda bfloat16=bfloat16: bfloat16)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda bfloat16=bfloat16, **_: bfloat16)
        assert devices.choose_precision("fast", device) == wanted


def test_what_a_device_does_not_do_well_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "can_quantize", lambda: False)
    monkeypatch.setattr(devices, "has_bfloat16", lambda: False)
    refused: list[tuple[Any, torch.device]] = [("bfloat16", CPU), ("float16", CPU), ("int8", CUDA), ("int8", CPU)]
    for wanted, device in refused:
        with pytest.raises(MedCLIPSegError, match=wanted):
            devices.choose_precision(wanted, device)


def test_half_precision_is_near_whatever_the_batch(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "has_bfloat16", lambda: True)
    exact = finish(a_model, a_volume).prompts[0].probability
    halves = [finish(a_model, a_volume, precision="bfloat16", batch_size=size).prompts[0] for size in (1, 4, 20)]
    for half in halves:
        assert half.probability.dtype == np.float32
        assert 0 < np.abs(half.probability - exact).max() < 0.03
        assert np.abs(half.probability - halves[0].probability).max() < 0.01
