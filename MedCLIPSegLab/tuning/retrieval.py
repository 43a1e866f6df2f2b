"""Retrieval: how often an image finds its caption, and a caption its image, among 50."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from MedCLIPSegLogic.checked import checked

BATCH_SIZE = 50
SHUFFLES = 5
TIE = 1e-6
"""Cosines closer than this are equal, such as those of two pairs with the same caption."""


@checked
@dataclass(frozen=True)
class Share:
    """Share 0…1 of the queries, mean and sample standard deviation over the shuffles."""

    mean: float
    std: float


@checked
@dataclass(frozen=True)
class RetrievalScores:
    """Retrieval on a set of pairs.

    Args:
        pairs: number of pairs; each is a query in both directions in every shuffle.
        image_to_text_top_1, image_to_text_top_2: images whose caption is the nearest, or one of the two nearest.
        text_to_image_top_1, text_to_image_top_2: the same of captions.
        chance_top_1, chance_top_2: what guessing gives; 2 % and 4 % in full batches, more in a smaller last one.
    """

    pairs: int
    image_to_text_top_1: Share
    image_to_text_top_2: Share
    text_to_image_top_1: Share
    text_to_image_top_2: Share
    chance_top_1: float
    chance_top_2: float

    @property
    def top_1(self) -> float:
        """Mean of both directions."""
        return (self.image_to_text_top_1.mean + self.text_to_image_top_1.mean) / 2

    @property
    def top_2(self) -> float:
        """Mean of both directions."""
        return (self.image_to_text_top_2.mean + self.text_to_image_top_2.mean) / 2


def score_retrieval(images: Tensor, texts: Tensor, seed: int = 0) -> RetrievalScores:
    """Score as MedCLIP-SAM does: shuffle, cut into batches of 50, rank each batch by cosine; five times.

    Among equal cosines the right one counts as often as chance would put it first.

    Args:
        images: (N, D) unit vectors, N ≥ 1; row i belongs to row i of ``texts``.
        texts: (N, D) unit vectors.
        seed: of the shuffles.
    """
    vectors = images.detach().cpu().double(), texts.detach().cpu().double()
    rng = np.random.default_rng(seed)
    count = len(images)
    shares = np.empty((SHUFFLES, 4))
    for number in range(SHUFFLES):
        order = torch.from_numpy(rng.permutation(count))
        hits = np.zeros(4)
        for rows in order.split(BATCH_SIZE):
            cosines = (vectors[0][rows] @ vectors[1][rows].T).numpy()
            hits += [_hits(side, top) for side in (cosines, cosines.T) for top in (1, 2)]
        shares[number] = hits / count
    means, deviations = shares.mean(axis=0), shares.std(axis=0, ddof=1)
    sizes = [len(rows) for rows in torch.arange(count).split(BATCH_SIZE)]
    chances = [sum(min(top, size) for size in sizes) / count for top in (1, 2)]
    image_1, image_2, text_1, text_2 = (
        Share(float(mean), float(std)) for mean, std in zip(means, deviations, strict=True)
    )
    return RetrievalScores(count, image_1, image_2, text_1, text_2, *chances)


def _hits(cosines: NDArray[np.float64], top: int) -> float:
    """Expected number of rows whose diagonal entry is among the ``top`` largest."""
    own = cosines.diagonal()[:, None]
    better = (cosines > own + TIE).sum(axis=1)
    equal = (np.abs(cosines - own) <= TIE).sum(axis=1)  # the right one included
    return float(np.clip((top - better) / equal, 0, 1).sum())
