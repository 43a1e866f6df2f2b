"""Entropy maps of Monte-Carlo samples, in nats."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-8
"""Keeps the logarithm finite, as in the published code."""


def binary_entropy(probability: Tensor) -> Tensor:
    """−p ln(p + 1e-8) − (1−p) ln(1−p + 1e-8), not below 0 (the ε alone would push it there)."""
    entropy = -probability * (probability + EPSILON).log() - (1 - probability) * (1 - probability + EPSILON).log()
    return entropy.clamp_min_(0)


@dataclass
class RunningSums:
    """Sums over samples, so that memory does not grow with their number.

    Args:
        probability: (S, S) sum of the samples' probabilities.
        entropy: (S, S) sum of the samples' entropies.
        count: samples so far.
    """

    probability: Tensor
    entropy: Tensor
    count: int = 0

    @classmethod
    def zeros(cls, size: int, device: torch.device) -> RunningSums:
        """Empty sums for maps of side ``size``."""
        return cls(torch.zeros(size, size, device=device), torch.zeros(size, size, device=device))

    def add(self, probabilities: Tensor) -> None:
        """Add samples (B, S, S)."""
        self.probability += probabilities.sum(dim=0)
        self.entropy += binary_entropy(probabilities).sum(dim=0)
        self.count += len(probabilities)

    def mean(self) -> tuple[Tensor, Tensor]:
        """Mean probability and mutual information (S, S).

        Mutual information is the entropy of the mean minus the mean of the entropies: what the samples disagree on.
        """
        probability = (self.probability / self.count).clamp_(0, 1)
        information = (binary_entropy(probability) - self.entropy / self.count).clamp_min_(0)
        return probability, information
