"""Applies the rule of the adaptive mode to what was drawn so far."""

from __future__ import annotations

import torch
from torch import Tensor

from .adaptive import AdaptiveSampling
from .uncertainty import RunningSums, binary_entropy

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
