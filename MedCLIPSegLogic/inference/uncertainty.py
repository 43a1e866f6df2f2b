"""Entropy maps of Monte-Carlo samples, in nats, and whether more samples would change them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .request import AdaptiveSampling

LEAST_PROBABILITY = 1e-6
"""Probabilities are clipped to it, and to 1 minus it, before they become logits."""
EPSILON = 1e-8
"""Keeps the logarithm finite, as in the published code."""


def binary_entropy(probability: Tensor) -> Tensor:
    """−p ln(p + 1e-8) − (1−p) ln(1−p + 1e-8), not below 0 (the ε alone would push it there)."""
    entropy = -probability * (probability + EPSILON).log() - (1 - probability) * (1 - probability + EPSILON).log()
    return entropy.clamp_min_(0)


@dataclass
class RunningSums:
    """Sums over samples, so that memory does not grow with their number.

    Probabilities are summed as differences to the first sample: samples differ little, and the small variance would
    drown in the rounding of large sums.

    Args:
        first: (S, S) probability of the first sample.
        difference: (S, S) sum of the samples' differences to it.
        square: (S, S) sum of their squares.
        entropy: (S, S) sum of the samples' entropies.
        count: samples so far.
    """

    first: Tensor
    difference: Tensor
    square: Tensor
    entropy: Tensor
    count: int = 0

    @classmethod
    def zeros(cls, size: int, device: torch.device) -> RunningSums:
        """Empty sums for maps of side ``size``."""
        first, difference, square, entropy = torch.zeros(4, size, size, device=device)
        return cls(first, difference, square, entropy)

    def add(self, probabilities: Tensor) -> None:
        """Add samples (B, S, S)."""
        if self.count == 0:
            self.first = probabilities[0].clone()
        differences = probabilities - self.first
        self.difference += differences.sum(dim=0)
        self.square += differences.square().sum(dim=0)
        self.entropy += binary_entropy(probabilities).sum(dim=0)
        self.count += len(probabilities)

    def mean(self) -> tuple[Tensor, Tensor]:
        """Mean probability and mutual information (S, S).

        Mutual information is the entropy of the mean minus the mean of the entropies: what the samples disagree on.
        """
        probability = (self.first + self.difference / self.count).clamp_(0, 1)
        information = (binary_entropy(probability) - self.entropy / self.count).clamp_min_(0)
        return probability, information

    def variance(self) -> Tensor:
        """Variance (S, S) of the samples' probabilities, of two samples at least (divisor count − 1)."""
        spread = self.square - self.difference.square() / self.count
        return spread.clamp_min_(0) / (self.count - 1)


SMALLEST_AREA = 1e-3
"""Share of the map's pixels that a smaller mask counts as, so that a few stray pixels don't ask for all samples."""


def has_settled(rule: AdaptiveSampling, sums: RunningSums, threshold: float, samples: int) -> bool:
    """True when a slice needs no more samples, see :class:`AdaptiveSampling`.

    Args:
        rule: with its limits.
        sums: of at least two samples.
        threshold: t.
        samples: N.
    """
    probability = sums.mean()[0]
    error = (sums.variance() * max(0.0, 1 / sums.count - 1 / samples)).sqrt()
    changing = torch.special.ndtr(-(probability - threshold).abs() / error.clamp_min(1e-12)).sum()
    area = (probability > threshold).sum().clamp_min(SMALLEST_AREA * probability.numel())
    if changing > rule.mask_change * area:
        return False
    entropy = binary_entropy(probability)
    change = torch.maximum(
        (_entropy(probability + error) - entropy).abs(), (_entropy(probability - error) - entropy).abs()
    )
    return bool(change.square().mean().sqrt() <= rule.entropy_change * entropy.std())


def _entropy(probability: Tensor) -> Tensor:
    return binary_entropy(probability.clamp(0, 1))
