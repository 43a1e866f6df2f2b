"""Time, passes and agreement of every variant on every case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.uncertainty import binary_entropy
from MedCLIPSegLogic.model.library import LoadedModel

from ..metrics import dice_score
from .measured import Case
from .variants import LOOP, THRESHOLD, Outcome, Variant, measure

Agreement = dict[str, float]


def agreement(probability: NDArray[np.float32], reference: NDArray[np.float32]) -> Agreement:
    """Compare two probability maps (H, W).

    Returns:
        ``dice`` of the masks, 1 where both are empty; ``probability``, the largest absolute difference; ``entropy``,
        the mean absolute difference in nats; ``correlation``, Pearson's, of the entropies: 1 where one of them is
        constant and they are equal, else 0.
    """
    one, other = (binary_entropy(torch.from_numpy(p).double()).numpy() for p in (probability, reference))
    difference = float(np.abs(one - other).mean())
    constant = np.ptp(one) == 0 or np.ptp(other) == 0
    return {
        "dice": dice_score(probability > THRESHOLD, reference > THRESHOLD),
        "probability": float(np.abs(probability - reference).max()),
        "entropy": difference,
        "correlation": float(difference == 0) if constant else float(np.corrcoef(one.ravel(), other.ravel())[0, 1]),
    }


def compare(
    model: LoadedModel,
    cases: Sequence[Case],
    variants: Sequence[Variant],
    samples: int,
    repeats: int,
    device: torch.device,
    progress: Callable[[float, str], None],
) -> dict[str, Any]:
    """Run every variant on every case, in turns, so that a busy moment of the computer hits all of them.

    Args:
        model: to measure.
        cases: slices.
        variants: with the published loop among them; its result is the reference.
        samples: N.
        repeats: rounds over all cases.
        device: where to compute.
        progress: called with the share done and a few words.

    Returns:
        ``variants``, one row each, and ``sample_spread``, ready for JSON.
    """
    for variant in variants:  # what is done once, such as quantizing, is done before
        measure(variant, model, cases[0], 3, device)
    seconds: dict[Variant, list[float]] = {variant: [] for variant in variants}
    passes: dict[Variant, list[int]] = {variant: [] for variant in variants}
    agreements: dict[Variant, list[Agreement]] = {variant: [] for variant in variants}
    spreads = []
    total = repeats * len(cases)
    for number in range(total):
        outcomes: dict[Variant, Outcome] = {}
        for variant in variants:
            progress(number / total, f"slice {number + 1} of {total}, {variant.name}")
            outcomes[variant] = measure(variant, model, cases[number % len(cases)], samples, device)
            seconds[variant].append(outcomes[variant].seconds)
        if number < len(cases):  # later rounds differ in time alone
            for variant, outcome in outcomes.items():
                passes[variant].append(outcome.passes)
                agreements[variant].append(agreement(outcome.probability, outcomes[LOOP].probability))
            spreads.append(outcomes[LOOP].spread or (0.0, 1.0))
    return {
        "variants": [_row(v, seconds[v], seconds[LOOP], passes[v], agreements[v]) for v in variants],
        "sample_spread": {
            "deviation_median": median(deviation for deviation, _ in spreads),
            "dice_of_one_sample_median": median(dice for _, dice in spreads),
        },
    }


def _row(
    variant: Variant,
    seconds: Sequence[float],
    loop: Sequence[float],
    passes: Sequence[int],
    agreements: Sequence[Agreement],
) -> dict[str, Any]:
    of = {name: [each[name] for each in agreements] for name in agreements[0]}
    return {
        "variant": variant.name,
        "seconds_per_slice": median(seconds),
        "ratio": median(base / own for base, own in zip(loop, seconds, strict=True)),
        "passes_mean": fmean(passes),
        "passes_median": median(passes),
        "passes_max": max(passes),
        "dice_median": median(of["dice"]),
        "dice_5th_percentile": float(np.percentile(of["dice"], 5)),
        "entropy_difference_mean": fmean(of["entropy"]),
        "entropy_correlation_median": median(of["correlation"]),
        "entropy_correlation_5th_percentile": float(np.percentile(of["correlation"], 5)),
        "probability_difference_max": max(of["probability"]),
    }
