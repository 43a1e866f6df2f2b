"""How near a result comes to the reference of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.uncertainty import binary_entropy

from ..metrics import dice_score
from .variants import THRESHOLD


@dataclass(frozen=True)
class Agreement:
    """Of one slice with its reference.

    Args:
        dice: of the masks; 1 where both are empty.
        probability: largest absolute difference of the probabilities.
        entropy: mean absolute difference of the entropies in nats.
        correlation: Pearson's, of the entropies; 1 where one of the maps is constant and they are equal, else 0.
    """

    dice: float
    probability: float
    entropy: float
    correlation: float


def agreement(probability: NDArray[np.float32], reference: NDArray[np.float32]) -> Agreement:
    """Compare two probability maps (H, W)."""
    entropies = [binary_entropy(torch.from_numpy(p).double()).numpy() for p in (probability, reference)]
    difference = float(np.abs(entropies[0] - entropies[1]).mean())
    if all(np.ptp(entropy) > 0 for entropy in entropies):
        correlation = float(np.corrcoef(entropies[0].ravel(), entropies[1].ravel())[0, 1])
    else:
        correlation = 1.0 if difference == 0 else 0.0
    return Agreement(
        dice_score(probability > THRESHOLD, reference > THRESHOLD),
        float(np.abs(probability - reference).max()),
        difference,
        correlation,
    )
