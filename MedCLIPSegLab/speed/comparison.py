"""The table of the benchmark: time, passes and agreement of every variant on every case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
import torch

from MedCLIPSegLogic.model.library import LoadedModel

from .agreement import Agreement, agreement
from .cases import Case
from .variants import LOOP, Outcome, Variant, measure


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
        "variants": [
            _row(variant, seconds[variant], seconds[LOOP], passes[variant], agreements[variant]) for variant in variants
        ],
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
    dice, correlation = ([getattr(a, name) for a in agreements] for name in ("dice", "correlation"))
    return {
        "variant": variant.name,
        "seconds_per_slice": median(seconds),
        "ratio": median(base / own for base, own in zip(loop, seconds, strict=True)),
        "passes_mean": fmean(passes),
        "passes_median": median(passes),
        "passes_max": max(passes),
        "dice_median": median(dice),
        "dice_5th_percentile": float(np.percentile(dice, 5)),
        "entropy_difference_mean": fmean(a.entropy for a in agreements),
        "entropy_correlation_median": median(correlation),
        "entropy_correlation_5th_percentile": float(np.percentile(correlation, 5)),
        "probability_difference_max": max(a.probability for a in agreements),
    }
