"""Answers of several planes to one prompt, made one: sums that memory does not grow with, and the maps of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..volumes.planes import SliceAxis
from .maps import PromptMaps
from .uncertainty import LEAST_PROBABILITY, binary_entropy

_FLOOR = float(torch.logit(torch.tensor(LEAST_PROBABILITY, dtype=torch.float64)))


class Means(NamedTuple):
    """Weighted means (K, J, I) over the planes, float32: of the probability, its entropy and the mutual information."""

    probability: NDArray[np.float32]
    entropy: NDArray[np.float32]
    mutual_information: NDArray[np.float32]


class PlaneSums:
    """Weighted sums (K, J, I) over the planes of one prompt.

    Args:
        shape: of the volume.
        keep_maps: sum also what the maps are made of; else what the mask and its mean uncertainty are.
    """

    def __init__(self, shape: tuple[int, int, int], keep_maps: bool) -> None:
        # Above that of the least probability: what no plane sees stays 0, and pages nobody writes to take no memory.
        self._logits = np.zeros(shape, np.float32)
        self._votes = np.zeros(shape, np.uint8)
        self._planes = 0
        self._means = Means(*(np.zeros(shape, np.float32) for _ in range(3))) if keep_maps else None

    def add(self, maps: PromptMaps, weight: float) -> Generator[None, None, None]:
        """Add a plane, in small steps.

        Args:
            maps: of the plane, with its probability.
            weight: 0…1.
        """
        assert maps.probability is not None
        for index, values in enumerate(maps.probability):
            if not values.any():
                continue
            probability = torch.from_numpy(values)
            self._votes[index] |= maps.mask[index] << self._planes
            _add(self._logits[index], torch.logit(probability, eps=LEAST_PROBABILITY) - _FLOOR, weight)
            if self._means is not None:
                assert maps.mutual_information is not None
                _add(self._means.probability[index], probability, weight)
                _add(self._means.entropy[index], binary_entropy(probability), weight)
                _add(self._means.mutual_information[index], torch.from_numpy(maps.mutual_information[index]), weight)
            yield
        self._planes += 1

    def finish(
        self, axis: SliceAxis, threshold: float, samples: Mapping[int, int]
    ) -> Generator[None, None, PromptMaps]:
        """Make the maps, in place and in small steps; the sums are gone then.

        Args:
            axis: by whose slices the answer is told.
            threshold: of the mask.
            samples: that were drawn of these slices, by their index; without those that were skipped.

        Returns:
            The maps, as value of the generator.
        """
        maps = PromptMaps.zeros((*self._votes.shape,), threshold, keep_maps=False)
        maps.plane_agreement = self._agreement()
        del self._votes
        if self._means is not None:
            maps.probability, maps.uncertainty = self._logits, self._means.entropy
            maps.mutual_information, maps.disagreement = self._means.mutual_information, self._means.probability
        for index in range(axis.count):
            logits = torch.from_numpy(axis.extract(self._logits, index))
            if index not in samples and not logits.any():
                continue
            probability = torch.where(logits > 0, (logits + _FLOOR).sigmoid(), 0.0)
            uncertainty = binary_entropy(probability)
            if self._means is not None:
                mean, entropy, information = (torch.from_numpy(axis.extract(each, index)) for each in self._means)
                between = (binary_entropy(mean.clamp_(0, 1)) - entropy).clamp_min_(0)
                axis.insert(self._means.probability, index, between.numpy())
                axis.insert(self._means.mutual_information, index, torch.minimum(information, uncertainty).numpy())
            maps.write(axis, index, probability.numpy(), uncertainty.numpy(), samples.get(index, 0))
            yield
        return maps

    def _agreement(self) -> float | None:
        """Mean Dice of the masks of two planes, that of two empty ones being 1; None where all are empty."""
        counts = np.sum([np.bincount(votes.ravel(), minlength=1 << self._planes) for votes in self._votes], axis=0)
        inside = [[bool(votes >> plane & 1) for votes in range(len(counts))] for plane in range(self._planes)]
        sizes = [int(counts[mask].sum()) for mask in inside]
        if not any(sizes):
            return None
        dice = []
        for first, second in combinations(range(self._planes), 2):
            both = int(counts[np.logical_and(inside[first], inside[second])].sum())
            total = sizes[first] + sizes[second]
            dice.append(2 * both / total if total else 1.0)
        return float(np.mean(dice))


def _add(target: NDArray[np.float32], values: Tensor, weight: float) -> None:
    torch.from_numpy(target).add_(values, alpha=weight)
