"""An ensemble of adapters on shared towers: one member is the published model, several take turns with the samples."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLab.speed.published_loop import published_samples
from MedCLIPSegLab.training.growth import grown_network, with_samplers
from MedCLIPSegLab.training.losses import LossWeights
from MedCLIPSegLab.training.sampled_pass import SampledPass, shuffled_members
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.preprocess import place, prepare_slice
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import SegmentationResult
from MedCLIPSegLogic.model.checkpoint import is_adapter, load_to_train, read_config, save_checkpoint
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import MeanNoise, SeededNoise
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

SETTINGS = TrainingSettings(
    steps=2, batch_size=2, stages=((1.0, 32),), validate_every=1, adapter_members=3, loss=LossWeights()
)
INPUTS = (torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.tensor([[2, 6, 7, 3]] * 2))


def an_ensemble(config: ModelConfig, members: int) -> MedCLIPSeg:
    torch.manual_seed(1)
    return MedCLIPSeg(with_samplers(config, False, members)).eval()


@pytest.fixture
def an_ensemble_model(a_config: ModelConfig, a_model_folder: Path) -> LoadedModel:
    """Three members that differ as much as the weights of untrained ones do."""
    network = an_ensemble(a_config, 3)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "mask_head" in name or "proj_vis_up" in name:
                parameter.mul_(4)
    save_checkpoint(network, a_model_folder)
    return load_model(a_model_folder)


def pictures(count: int) -> Volume:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return Volume(pixels, PICTURE_IJK_TO_RAS.copy(), "pictures", spacing_known=False)


def probability(model: LoadedModel, volume: Volume, **changes: Any) -> np.ndarray:
    request = SegmentationRequest(**{"volume": volume, "prompts": ("polyp",), "samples": 5, **changes})
    *_, result = run(model, request)
    assert isinstance(result, SegmentationResult)
    return result.prompts[-1].probability


def test_the_first_member_has_the_published_names(a_config: ModelConfig) -> None:
    plain, ensemble = MedCLIPSeg(a_config), an_ensemble(a_config, 3)
    names = list(plain.state_dict())
    assert [n for n in ensemble.state_dict() if n in names] == names
    assert len(ensemble.pvl_adapters) == 3 * len(plain.pvl_adapters)
    ensemble.load_state_dict(plain.state_dict(), strict=False)
    noise = SeededNoise(4, [(0, 0), (1, 0)])
    assert torch.equal(ensemble(*INPUTS, noise).logits, plain.eval()(*INPUTS, noise).logits)
    outputs = [ensemble(*INPUTS, noise, member).logits for member in range(3)]
    assert all(not torch.allclose(outputs[0], other, atol=1e-4) for other in outputs[1:])


def test_samples_take_turns_with_the_members(an_ensemble_model: LoadedModel) -> None:
    model, volume = an_ensemble_model, pictures(1)
    config = model.config.preprocessing
    image = prepare_slice(volume.voxels[0], place((32, 32), (1.0, 1.0), 32, config), config)
    ids = model.tokenizer(["polyp"])
    for count in (2, 5):
        loop = published_samples(model.network, image[None], ids, lambda s: SeededNoise(0, [(0, s)]), count)
        wanted = torch.stack([logits[0].sigmoid() for logits in loop])
        found = probability(model, volume, samples=count)
        assert np.allclose(found[0], wanted.mean(dim=0).numpy(), atol=1e-5)
        by_the_first = model.network(image[None], ids, SeededNoise(0, [(0, 1)])).logits.sigmoid()
        assert not torch.allclose(wanted[1], by_the_first[0], atol=1e-3)


def test_results_depend_on_no_batch_slice_or_prompt(an_ensemble_model: LoadedModel) -> None:
    model, volume = an_ensemble_model, pictures(3)
    whole = probability(model, volume)
    for changes in ({"batch_size": 1}, {"batch_size": 4}, {"batch_size": 64}, {"prompts": ("tumor", "polyp")}):
        assert np.allclose(probability(model, volume, **changes), whole, atol=1e-5)
    assert np.allclose(probability(model, volume, slices=(2, 3))[2], whole[2], atol=1e-5)


def test_further_members_start_near_those_that_are_there(a_config: ModelConfig) -> None:
    torch.manual_seed(5)
    plain = MedCLIPSeg(a_config).eval()
    network = grown_network(with_samplers(a_config, True, 4), plain.state_dict()).eval()
    mean = plain(*INPUTS, MeanNoise()).logits.detach()
    assert torch.allclose(network(*INPUTS, MeanNoise()).logits, mean, atol=1e-6)
    for member in (1, 2, 3):
        difference = float((network(*INPUTS, MeanNoise(), member).logits - mean).detach().abs().max())
        assert 0 < difference < 0.2 * float(mean.std())  # members drawn anew: 0.2 to 1.1
    first, last = (network.adapter(1, m).proj_vis_up.weight.detach() for m in (0, 3))
    assert float((last - first).std() / first.std()) == pytest.approx(0.1, rel=0.2)
    of_two = grown_network(with_samplers(a_config, False, 2), plain.state_dict())
    again = grown_network(with_samplers(of_two.config, False, 4), of_two.state_dict())
    before, after = (again.adapter(0, member).proj_txt_down.weight.detach() for member in (1, 3))
    assert torch.equal(before, of_two.adapter(0, 1).proj_txt_down.weight)
    assert float((after - before).std() / before.std()) == pytest.approx(0.1, rel=0.2)
    assert with_samplers(of_two.config, False, 1).adapter.members == 2


def test_every_step_draws_its_members() -> None:
    orders = [shuffled_members(3, 7, step) for step in range(60)]
    assert orders == [shuffled_members(3, 7, step) for step in range(60)]
    assert orders != [shuffled_members(3, 8, step) for step in range(60)]
    assert all(sorted(order) == [0, 1, 2] for order in orders)
    assert {order[0] for order in orders} == {0, 1, 2}
    assert shuffled_members(1, 7, 0) == [0]


def test_the_samples_of_a_step_are_of_different_members(a_config: ModelConfig) -> None:
    network = an_ensemble(a_config, 3)
    output = SampledPass(network, 4)(*INPUTS, MeanNoise(), [2, 0, 1])
    for sample, member in zip(output.samples, (2, 0, 1, 2), strict=True):
        assert torch.allclose(sample.logits, network(*INPUTS, MeanNoise(), member).logits, atol=1e-6)
    SampledPass(network, 1)(*INPUTS, MeanNoise(), [2, 0, 1]).samples[0].logits.sum().backward()
    reached = [network.adapter(0, member).proj_vis_up.weight.grad is not None for member in range(3)]
    assert reached == [False, False, True]


def test_training_reaches_the_members_drawn_and_resumes_identically(
    a_data_set: Callable[..., Path], a_model_folder: Path, tmp_path: Path
) -> None:
    # The second step draws another member than the first: the optimizer knows none of its weights before.
    settings = dataclasses.replace(SETTINGS, seed=next(s for s in range(9) if _first(s, 0) != _first(s, 1)))
    data = [a_data_set()]
    whole = load_to_train(train(data, tmp_path / "whole", settings, start_from=a_model_folder)).state_dict()

    def stop(progress: Any) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "broken", settings, start_from=a_model_folder, progress=stop)
    resumed = load_to_train(train(data, tmp_path / "broken", settings, resume=True)).state_dict()
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())
    one = dataclasses.replace(settings, steps=1, learning_rate=1e-2, ema_decay=0.0, keep="latest")
    end = load_to_train(train(data, tmp_path / "one", one, start_from=tmp_path / "whole")).state_dict()
    moved = [n for n in whole if n.startswith("pvl_adapters.") and not torch.equal(whole[n], end[n])]
    assert {int(name.split(".")[1]) // 2 for name in moved} == {_first(settings.seed, 0)}  # two adapters a member


def _first(seed: int, step: int) -> int:
    return shuffled_members(3, seed, step)[0]


def test_the_command_line_makes_an_ensemble_of_a_plain_model(
    a_model_folder: Path, a_data_set: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, data = tmp_path / "out", a_data_set()
    short = ("--steps", "1", "--batch-size", "2", "--stages", "1:32", "--samples", "2", "--threads", "1")
    options = ("--adapter-members", "2", "--stochastic-head", "--recipe", "first-edition")
    arguments = ("--data", data, "--out", out, "--start-from", a_model_folder, *short, *options)
    monkeypatch.setattr(sys, "argv", ["medclipseg", "train", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    config = read_config(out)
    assert (config.adapter.members, config.head.stochastic) == (2, True)
    settings = json.loads((out / "training.json").read_text())["settings"]
    assert (settings["adapter_members"], settings["stochastic_head"]) == (2, True)
    assert np.isfinite(probability(load_model(out), pictures(1))).all()


def test_frozen_towers_get_an_ensemble_too(
    a_model_folder: Path, a_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    frozen = dataclasses.replace(SETTINGS, freeze_towers=True, steps=1)
    folder = train([a_data_set()], tmp_path / "frozen", frozen, start_from=a_model_folder)
    assert read_config(folder).adapter.members == 3
    start, end = load_to_train(a_model_folder), load_to_train(folder)
    towers = {n: t for n, t in start.state_dict().items() if n.startswith(("vision_model.", "text_model."))}
    assert all(torch.allclose(end.state_dict()[name], tensor, atol=1e-3) for name, tensor in towers.items())


def test_towers_alone_get_members_of_their_own(a_config: ModelConfig) -> None:
    states = {n: t for n, t in MedCLIPSeg(a_config).state_dict().items() if not is_adapter(n)}
    network = grown_network(with_samplers(a_config, False, 2), states)
    first, second = (network.adapter(0, member).proj_vis_up.weight for member in (0, 1))
    assert float((first - second).detach().std() / first.detach().std()) > 1


def test_models_of_before_have_one_and_wrong_numbers_are_named(a_model_folder: Path) -> None:
    text = json.loads((a_model_folder / "config.json").read_text())
    del text["adapter"]["members"]
    (a_model_folder / "config.json").write_text(json.dumps(text))
    assert read_config(a_model_folder).adapter.members == 1
    text["adapter"]["members"] = 0
    (a_model_folder / "config.json").write_text(json.dumps(text))
    with pytest.raises(MedCLIPSegError, match=r"adapter\.members"):
        read_config(a_model_folder)
    with pytest.raises(MedCLIPSegError, match="sets of adapters is 33"):
        TrainingSettings(adapter_members=33)
