"""What the options for meaningful samples do, on planted cases."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from MedCLIPSegLab.training.losses import LossWeights, total_loss
from MedCLIPSegLab.training.sample_losses import energy_score, mean_probability, sampled_loss
from MedCLIPSegLab.training.sampled_pass import AdapterVariances, SampledOutput, SampledPass, variance_divergence
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg, NetworkOutput
from MedCLIPSegLogic.model.noise import FreshNoise

IMAGES, TOKENS = torch.zeros(2, 3, 32, 32), torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])


def outputs(*logits: Tensor) -> SampledOutput:
    patches, text = torch.ones(len(logits[0]), 4, 2, 2) / 2, torch.ones(len(logits[0]), 4)
    return SampledOutput([NetworkOutput(entry, patches, text) for entry in logits])


def test_one_sample_and_no_option_is_the_published_loss() -> None:
    logits, mask = torch.randn(2, 8, 8), (torch.rand(2, 8, 8) > 0.5).float()
    output = outputs(logits)
    for dice in ("per-image", "published-rows"):
        total, parts = sampled_loss(output, mask, TrainingSettings(dice=dice, loss=LossWeights()))
        wanted, wanted_parts = total_loss(output.samples[0], mask, LossWeights(), dice == "published-rows")
        assert torch.equal(total, wanted)
        assert parts == wanted_parts


def test_each_averages_the_losses_of_the_samples() -> None:
    first, second, mask = torch.randn(2, 8, 8), torch.randn(2, 8, 8), torch.ones(2, 8, 8)
    total, _ = sampled_loss(outputs(first, second), mask, TrainingSettings(samples=2))
    weights = TrainingSettings().loss
    wanted = [total_loss(outputs(logits).samples[0], mask, weights)[0] for logits in (first, second)]
    assert torch.allclose(total, torch.stack(wanted).mean())


def test_mean_probability_forgives_samples_that_average_out() -> None:
    doubt, mask = torch.full((1, 8, 8), 3.0), torch.zeros(1, 8, 8)
    mask[:, :4] = 1
    spread = outputs(doubt, -doubt)
    assert torch.allclose(mean_probability(spread.samples), torch.zeros(1, 8, 8), atol=1e-5)
    each, _ = sampled_loss(spread, mask, TrainingSettings(samples=2))
    mean, _ = sampled_loss(spread, mask, TrainingSettings(samples=2, sample_loss="mean-probability"))
    assert mean < each


def test_the_energy_score_is_lowest_when_samples_are_distributed_as_the_truth() -> None:
    inside, outside = torch.ones(1, 4, 4), torch.zeros(1, 4, 4)
    candidates = {"honest": (inside, outside), "sure": (inside, inside), "undecided": ((inside + outside) / 2,) * 2}
    expected = {
        name: float(sum(energy_score(torch.stack(pair), truth) for truth in (inside, outside)) / 2)
        for name, pair in candidates.items()
    }
    assert expected["honest"] < expected["sure"]
    assert expected["honest"] < expected["undecided"]


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    variance, prior = torch.tensor([0.3, 1.0, 2.5]), 0.7
    normal = torch.distributions.Normal
    wanted = torch.distributions.kl_divergence(normal(0.0, variance.sqrt()), normal(torch.zeros(3), prior**0.5)).mean()
    assert torch.allclose(variance_divergence([variance], prior), wanted, atol=1e-6)


def test_the_prior_pulls_the_variances_to_it(a_config: ModelConfig) -> None:
    torch.manual_seed(0)
    network = MedCLIPSeg(a_config)
    quiet = [p for name, p in network.named_parameters() if name.endswith(("k_proj.bias", "v_proj.bias"))]
    with torch.no_grad():
        for bias in quiet:
            bias[len(bias) // 2 :] -= 4  # the noise is nearly off
    passes = SampledPass(network, 1, prior_variance=1.0)
    optimizer = torch.optim.Adam(quiet, lr=0.3)

    def variance() -> float:
        with AdapterVariances(network) as found:
            network(IMAGES, TOKENS, FreshNoise())
        return float(torch.stack([value.detach().mean() for value in found.values]).mean())

    before = variance()
    for _ in range(25):
        optimizer.zero_grad()
        divergence = passes(IMAGES, TOKENS, FreshNoise()).divergence
        assert divergence is not None
        divergence.backward()
        optimizer.step()
    assert before < 0.05
    assert 0.5 < variance() < 2
    assert all(not module._forward_hooks for module in network.modules())


def test_gradients_of_every_option_reach_the_noise(a_config: ModelConfig) -> None:
    torch.manual_seed(0)
    network = MedCLIPSeg(a_config)
    settings = TrainingSettings(samples=3, sample_loss="mean-probability", loss=LossWeights(variance=0.1, energy=0.5))
    output = SampledPass(network, 3, settings.loss.prior_variance)(IMAGES, TOKENS, FreshNoise())
    assert not torch.equal(output.samples[0].logits, output.samples[1].logits)
    loss, parts = sampled_loss(output, torch.ones(2, 32, 32), settings)
    assert {"variance", "energy"} <= set(parts)
    loss.backward()
    for name, parameter in network.named_parameters():
        if name.endswith("v_proj.bias"):
            assert parameter.grad is not None
            assert parameter.grad[len(parameter) // 2 :].abs().sum() > 0, name


@pytest.mark.parametrize("samples", [1, 2])
def test_samples_share_what_no_noise_reaches(a_config: ModelConfig, samples: int) -> None:
    network = MedCLIPSeg(a_config).eval()
    torch.manual_seed(4)
    found = SampledPass(network, samples, None)(IMAGES, TOKENS, FreshNoise()).samples
    torch.manual_seed(4)
    for sample in found:
        assert torch.allclose(sample.logits, network(IMAGES, TOKENS, FreshNoise()).logits, atol=1e-6)
