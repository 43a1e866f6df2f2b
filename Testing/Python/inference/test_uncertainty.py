"""Entropies against an independent library."""

import math

import torch
from torch.distributions import Bernoulli

from MedCLIPSegLogic.inference.uncertainty import RunningSums, binary_entropy


def test_entropy_matches_torch_distributions() -> None:
    probability = torch.linspace(0.001, 0.999, 999)
    assert torch.allclose(binary_entropy(probability), Bernoulli(probability).entropy(), atol=1e-6)


def test_entropy_stays_on_its_scale() -> None:
    entropy = binary_entropy(torch.tensor([0.0, 0.5, 1.0]))
    assert entropy.min() >= 0
    assert entropy.max() <= math.log(2) + 1e-6
    assert entropy[0] < 1e-6
    assert entropy[2] < 1e-6


def test_running_sums_equal_the_stack() -> None:
    samples = torch.rand(12, 5, 5)
    sums = RunningSums.zeros(5, samples.device)
    for part in samples.split([5, 1, 6]):
        sums.add(part)
    probability, information = sums.mean()
    assert torch.allclose(probability, samples.mean(0), atol=1e-6)
    wanted = Bernoulli(samples.mean(0)).entropy() - Bernoulli(samples).entropy().mean(0)
    assert torch.allclose(information, wanted, atol=1e-5)


def test_equal_samples_carry_no_information() -> None:
    sums = RunningSums.zeros(4, torch.device("cpu"))
    sums.add(torch.rand(4, 4).expand(7, 4, 4))
    assert sums.mean()[1].max() < 1e-6
