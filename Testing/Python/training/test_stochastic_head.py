"""A mask head that draws from a distribution: off it is the published one, on it is sampled like the adapters."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from MedCLIPSegLab.speed.published_loop import published_pass
from MedCLIPSegLab.training.settings import LossWeights, TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.model.checkpoint import load_to_train
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import MeanNoise, SeededNoise
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

ROWS = [(0, 0), (0, 1), (3, 1)]
SETTINGS = TrainingSettings(
    steps=2, batch_size=2, stages=((1.0, 32),), validate_every=1, stochastic_head=True, loss=LossWeights()
)


def with_stochastic_head(network: MedCLIPSeg) -> MedCLIPSeg:
    config = dataclasses.replace(network.config, head=dataclasses.replace(network.config.head, stochastic=True))
    other = MedCLIPSeg(config).eval()
    missing = other.load_state_dict(network.state_dict(), strict=False)
    assert missing.missing_keys == ["mask_deviation.weight", "mask_deviation.bias"]
    return other


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(3, 3, 32, 32, generator=generator), torch.tensor([[2, 6, 7, 3]] * 3)


def test_its_mean_is_the_plain_head(a_config: ModelConfig, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
    plain = MedCLIPSeg(a_config).eval()
    stochastic = with_stochastic_head(plain)
    assert torch.equal(plain(*inputs, MeanNoise()).logits, stochastic(*inputs, MeanNoise()).logits)
    text = torch.randn(3, a_config.joint_width)
    drawn = stochastic.kernel(text, SeededNoise(7, ROWS)) - plain.kernel(text, MeanNoise())
    deviation = functional.softplus(torch.tensor(-3.0))
    noise = SeededNoise(7, ROWS)(len(a_config.adapter.fusion_layers), "image_from_text", drawn[:, None])[:, 0]
    assert torch.allclose(drawn, deviation * noise, atol=1e-6)


def test_a_sample_does_not_depend_on_the_batch(
    a_config: ModelConfig, inputs: tuple[torch.Tensor, torch.Tensor]
) -> None:
    network = with_stochastic_head(MedCLIPSeg(a_config).eval())
    together = network(*inputs, SeededNoise(7, ROWS)).logits
    for number, row in enumerate(ROWS):
        alone = network(inputs[0][number : number + 1], inputs[1][:1], SeededNoise(7, [row])).logits
        assert torch.allclose(alone[0], together[number], atol=1e-5)
    again = network(*inputs, SeededNoise(8, ROWS)).logits
    assert not torch.allclose(again, together, atol=1e-3)


def test_the_engine_samples_it_as_the_published_loop_would(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    folder = train([a_data_set()], tmp_path / "model", SETTINGS)
    assert read_config(folder).head.stochastic
    model = load_model(folder)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    volume = Volume(pixels, PICTURE_IJK_TO_RAS.copy(), "picture", spacing_known=False)
    result = to_the_end(run(model, SegmentationRequest(volume=volume, prompts=("polyp",), samples=4)))
    (image,) = _inputs(model, pixels[0])
    ids = model.tokenizer(["polyp"])
    passes = [published_pass(model.network, image[None], ids, SeededNoise(0, [(0, sample)])) for sample in range(4)]
    mean = torch.stack([logits[0].sigmoid() for logits in passes]).mean(dim=0)
    assert np.allclose(result.prompts[0].probability[0], mean.detach().numpy(), atol=1e-5)
    assert not torch.allclose(passes[0], passes[1], atol=1e-3)


def _inputs(model: Any, pixels: np.ndarray) -> torch.Tensor:
    from MedCLIPSegLogic.inference.preprocess import place, prepare_slice

    config = model.config.preprocessing
    return prepare_slice(pixels, place((32, 32), (1.0, 1.0), 32, config), config)[None]


def test_it_learns_its_spread_and_resumes_identically(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    data, folder = [a_data_set()], tmp_path / "model"
    whole = load_to_train(train(data, folder, SETTINGS)).state_dict()
    assert whole["mask_deviation.weight"].any()

    def stop_after_the_first(progress: Any) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "broken", SETTINGS, progress=stop_after_the_first)
    resumed = load_to_train(train(data, tmp_path / "broken", SETTINGS, resume=True)).state_dict()
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_plain_model_can_get_one_and_keeps_it(
    a_model_folder: Path, a_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    assert not read_config(a_model_folder).head.stochastic
    folder = train([a_data_set()], tmp_path / "further", SETTINGS, start_from=a_model_folder)
    assert read_config(folder).head.stochastic
    frozen = dataclasses.replace(SETTINGS, freeze_towers=True)
    of_adapters = train([a_data_set("other")], tmp_path / "frozen", frozen, start_from=a_model_folder)
    assert load_to_train(of_adapters).state_dict()["mask_deviation.weight"].any()
    plain = dataclasses.replace(SETTINGS, stochastic_head=False)
    again = train([a_data_set("third")], tmp_path / "again", plain, start_from=folder)
    assert read_config(again).head.stochastic


def test_models_of_before_have_none(a_model_folder: Path) -> None:
    text = json.loads((a_model_folder / "config.json").read_text())
    text["head"].pop("stochastic")
    (a_model_folder / "config.json").write_text(json.dumps(text))
    assert not read_config(a_model_folder).head.stochastic
    assert load_to_train(a_model_folder).mask_deviation is None
