"""Losses over several stochastic passes, which reward samples that differ where the answer is in doubt."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from MedCLIPSegLogic.model.network import NetworkOutput

from .losses import LossWeights, total_loss
from .places import place_loss, rival_loss
from .presence import presence_loss
from .sampled_pass import SampledOutput
from .sampler import TextTargets
from .settings import TrainingSettings

SMALLEST_PROBABILITY = 1e-6


def energy_score(probabilities: Tensor, mask: Tensor) -> Tensor:
    """Energy score of samples, a proper scoring rule (Gneiting and Raftery 2007; as a loss: Bouchacourt et al. 2016,
    DISCO Nets).

    Mean distance of the samples from the truth minus half the mean distance between samples: lowest in expectation
    when the samples are distributed as the truth is, so it pays to differ exactly where the truth is uncertain.
    Distances are root mean squares over the pixels of an image.

    Args:
        probabilities: (K, B, H, W), K ≥ 2 samples.
        mask: (B, H, W), 0 and 1.

    Returns:
        The mean over the batch, 0…1.
    """
    count = len(probabilities)
    to_truth = _distance(probabilities - mask).mean()
    pairs = [_distance(probabilities[i] - probabilities[j]) for i in range(count) for j in range(i + 1, count)]
    return to_truth - 0.5 * torch.stack(pairs).mean()


def _distance(difference: Tensor) -> Tensor:
    # The floor keeps the slope of the root finite where two samples agree.
    return (difference.square().mean(dim=(-2, -1)) + 1e-8).sqrt()


def mean_probability(samples: list[NetworkOutput]) -> Tensor:
    """Logits (B, H, W) of the mean probability of the samples: what a prediction is made from."""
    probability = torch.stack([sample.logits.sigmoid() for sample in samples]).mean(dim=0)
    return probability.clamp(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY).logit()


def sampled_loss(
    output: SampledOutput, mask: Tensor, settings: TrainingSettings, targets: TextTargets | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum of all losses of a batch and the value of each.

    With one sample and no weight on the parts that are not in the paper this is :func:`total_loss`. The loss of the
    mean probability is that of Kendall and Gal 2017 (arXiv 1703.04977, equation 12): noise costs nothing where the
    samples average out to the truth.

    Args:
        output: of the passes.
        mask: (B, H, W) float, 0 and 1.
        settings: weights and kinds of the losses.
        targets: what is known of the prompts; needed for the parts ``presence``, ``place`` and ``rivals``.
    """
    weights, rows = settings.loss, settings.dice == "published-rows"
    if settings.sample_loss == "each":
        totals, parts = zip(*(total_loss(sample, mask, weights, rows) for sample in output.samples), strict=True)
        total = totals[0] if len(totals) == 1 else torch.stack(totals).mean()
        values = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
    else:
        first = output.samples[0]
        mean = NetworkOutput(mean_probability(output.samples), first.patches, first.text)
        total, values = total_loss(mean, mask, weights, rows, output.samples)
    if output.plain is not None and targets is not None:
        presence = presence_loss(*output.plain, targets.presence)
        total = total + weights.presence * presence
        values["presence"] = float(presence.detach())
    if targets is not None:
        for name, weight, value in _text_parts(output, mask, targets, weights):
            total = total + weight * value
            values[name] = float(value.detach())
    if output.divergence is not None:
        total = total + weights.variance * output.divergence
        values["variance"] = float(output.divergence.detach())
    if weights.energy > 0:
        score = energy_score(torch.stack([sample.logits.sigmoid() for sample in output.samples]), mask)
        total = total + weights.energy * score
        values["energy"] = float(score.detach())
    return total, values


def _text_parts(
    output: SampledOutput, mask: Tensor, targets: TextTargets, weights: LossWeights
) -> Iterator[tuple[str, float, Tensor]]:
    """Name, weight and value of the losses of what the prompts say, averaged over the samples."""
    samples = output.samples
    if weights.place > 0:
        values = [place_loss(s.patches, s.text, targets.places, mask, targets.rivals) for s in samples]
        yield "place", weights.place, torch.stack(values).mean()
    if weights.rivals > 0:
        values = [rival_loss(s.logits, mask, targets.rivals) for s in samples]
        yield "rivals", weights.rivals, torch.stack(values).mean()
