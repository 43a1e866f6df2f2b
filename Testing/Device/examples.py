"""Examples for the device job: the sampler of the product with words by kind and a few more changes of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from kind_prompting import KindPrompting
from kinds import Kinds
from numpy.typing import NDArray
from packed import PackedItem

from MedCLIPSegLab.training.data import TrainingItem, TrainingSet
from MedCLIPSegLab.training.sampler import BatchSampler, Example
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLogic.model.config import PreprocessingConfig

ELASTIC, BLURRED, SHADED = 0.25, 0.1, 0.15
"""Shares of examples that are bent, blurred or unevenly lit."""
BEND = 0.03
"""Standard deviation of a bend as a share of the side."""
Pixels = NDArray[np.uint8]


class KindSampler(BatchSampler):
    """Draws examples of packed sets.

    Args:
        sets, size, preprocessing, settings: as for :class:`BatchSampler`.
        kinds: of the sets.
    """

    def __init__(
        self,
        sets: Sequence[TrainingSet],
        size: int,
        preprocessing: PreprocessingConfig,
        settings: TrainingSettings,
        kinds: Kinds,
    ) -> None:
        super().__init__(sets, size, preprocessing, settings)
        self._prompting = KindPrompting(sets, settings, kinds)
        sided = [s for s in self._sets if kinds.sets[s.name].sided or not kinds.sets[s.name].flip]
        self._sided = {id(item) for s in sided for item in s.items}

    def example(self, step: int, row: int) -> Example:
        image, text, labels, areas = super().example(step, row)
        rng = np.random.default_rng([self._settings.seed, step, row, 1])
        if rng.random() < ELASTIC:
            image, labels = bend(image, labels, rng)
        if rng.random() < BLURRED:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.5))), np.uint8)
        if rng.random() < SHADED:
            image = shade(image, rng)
        return image, text, labels, areas

    def _one_of_several(self, item: TrainingItem, text: str, mask: Pixels, rng: np.random.Generator) -> Any:
        """None where left and right are sides of the body, or where there are slices."""
        assert isinstance(item, PackedItem)
        if id(item) in self._sided or item.volume is not None:
            return None
        return super()._one_of_several(item, text, mask, rng)


def bend(image: Pixels, labels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A smooth random displacement of both.

    Args:
        image: (S, S, 3).
        labels: (S, S).
        rng: the only source of chance.
    """
    size = labels.shape[0]
    cells = int(rng.integers(3, 7))
    strength = BEND * size * float(rng.uniform(0.2, 1.0)) * 3 / cells
    coarse = rng.normal(0, strength, (cells, cells, 2)).astype(np.float32)
    field = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    grid = np.arange(size, dtype=np.float32)
    x, y = field[..., 0] + grid[None, :], field[..., 1] + grid[:, None]
    bent = cv2.remap(image, x, y, cv2.INTER_LINEAR)
    return np.asarray(bent, np.uint8), np.asarray(cv2.remap(labels, x, y, cv2.INTER_NEAREST), np.uint8)


def shade(image: Pixels, rng: np.random.Generator) -> Pixels:
    """A smooth random field of brightness between about a half and one and a half."""
    size = image.shape[0]
    field = cv2.resize(rng.uniform(0.6, 1.4, (3, 3)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(image * field[..., None], 0, 255).astype(np.uint8)
