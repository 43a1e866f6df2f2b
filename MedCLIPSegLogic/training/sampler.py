"""Batches for training; every example depends only on (seed, step, row), so a resumed run continues identically."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.preprocess import normalize
from ..model.config import PreprocessingConfig
from . import prompts
from .augment import augment
from .data import TrainingItem, TrainingSet, shrink

Option = TypeVar("Option")
SOURCE_SCALE = 1.25
"""Items are kept a little larger than the model input, so that zooming in does not blur."""
SEEN_ABSENCE_SHARE = 0.6
"""Share of pictures without a finding that are asked for one all the same: the answer must be seen, not read."""


class BatchSampler:
    """Draws mixed batches: data sets by the root of their image count, then items, prompts and changes by chance.

    Args:
        sets: at least one.
        size: side of the model input.
        negative_share: share of examples with a prompt about another part of the body and an empty mask.
        preprocessing: how the model wants its input.
        seed: of everything random.
    """

    def __init__(
        self,
        sets: Sequence[TrainingSet],
        size: int,
        negative_share: float,
        preprocessing: PreprocessingConfig,
        seed: int,
    ) -> None:
        self._sets = [_shrink_set(training_set, round(SOURCE_SCALE * size)) for training_set in sets]
        roots = np.sqrt([training_set.image_count for training_set in sets])
        self._shares = roots / roots.sum()
        self._size = size
        self._negative_share = negative_share
        self._preprocessing = preprocessing
        self._seed = seed
        regions = [prompts.anatomy(training_set.prompts) for training_set in sets]
        self._foreign = [
            [
                text
                for other, other_region in zip(sets, regions, strict=True)
                if region and other_region and not region & other_region
                for text in other.prompts
                if prompts.names_anatomy(text) and not prompts.names_absence(text)
            ]
            for region in regions
        ]
        self._findings = [[t for t in s.prompts if not prompts.names_absence(t)] for s in sets]

    def batch(self, step: int, rows: int) -> tuple[Tensor, list[str], Tensor]:
        """Images (B, 3, S, S), prompts and masks (B, S, S) float of one step."""
        images, texts, masks = zip(*(self.example(step, row) for row in range(rows)), strict=True)
        return (
            _model_input(np.stack(images), self._preprocessing),
            list(texts),
            torch.from_numpy(np.stack(masks)).float(),
        )

    def example(self, step: int, row: int) -> tuple[NDArray[np.uint8], str, NDArray[np.uint8]]:
        """One augmented image, its prompt and its mask."""
        rng = np.random.default_rng([self._seed, step, row])
        number = int(rng.choice(len(self._sets), p=self._shares))
        item = _choose(self._sets[number].items, rng)
        text, mask = _choose(item.targets, rng)
        if self._foreign[number] and rng.random() < self._negative_share:
            text, mask = prompts.vary(_choose(self._foreign[number], rng), rng), np.zeros_like(mask)
        elif prompts.names_absence(text) and self._findings[number] and rng.random() < SEEN_ABSENCE_SHARE:
            text = prompts.shorten(_choose(self._findings[number], rng), rng)
        else:
            text = prompts.vary(text, rng)
        image, text, mask = augment(item, text, mask, self._size, rng)
        return image, text, mask


def _choose(options: Sequence[Option], rng: np.random.Generator) -> Option:
    return options[int(rng.integers(len(options)))]


def _shrink_set(training_set: TrainingSet, size: int) -> TrainingSet:
    def smaller(item: TrainingItem) -> TrainingItem:
        if item.image.shape[0] <= size:
            return item
        targets = tuple(
            (text, np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8))
            for text, mask in item.targets
        )
        return dataclasses.replace(item, image=shrink(item.image, size), targets=targets)

    return dataclasses.replace(training_set, items=tuple(smaller(item) for item in training_set.items))


def _model_input(images: NDArray[np.uint8], config: PreprocessingConfig) -> Tensor:
    if config.channel_order == "bgr":
        images = images[..., ::-1]
    return normalize(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2), config)


def validation_batch(
    items: Sequence[TrainingItem], size: int, config: PreprocessingConfig
) -> tuple[Tensor, list[str], NDArray[np.bool_]]:
    """Images, first prompts and masks (B, S, S) of items as they are."""
    images = np.stack([shrink(item.image, size) for item in items])
    masks = np.stack([cv2.resize(item.targets[0][1], (size, size), interpolation=cv2.INTER_NEAREST) for item in items])
    return _model_input(images, config), [item.targets[0][0] for item in items], masks > 0
