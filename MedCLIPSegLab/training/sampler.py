"""Batches for training; every example depends only on (seed, step, row), so a resumed run continues identically."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from MedCLIPSegLogic.inference.preprocess import normalize
from MedCLIPSegLogic.model.config import PreprocessingConfig

from ..data.rewording import short, thing
from .augment import augment, rotate
from .composition import OTHER, mosaic, one_of_several, still_apart
from .data import TrainingItem, TrainingSet, shrink
from .prompting import Prompting, choose
from .settings import TrainingSettings
from .text_targets import place_targets, presence_targets

SOURCE_SCALE = 1.25
"""Items are kept a little larger than the model input, so that zooming in does not blur."""
Example = tuple[NDArray[np.uint8], str, NDArray[np.uint8], frozenset[str]]
"""Image, prompt, labels (1: asked for, 2: what else the prompt could mean) and the areas of the body in the image."""


@dataclass(frozen=True, eq=False)
class TextTargets:
    """What is known of the prompts of a batch beside their masks.

    Args:
        presence: (B, B) of ``presence_targets``.
        places: (B, 3) of ``place_targets``.
        rivals: (B, S, S), True in the findings that are not asked for.
    """

    presence: Tensor
    places: Tensor
    rivals: Tensor

    def to(self, device: torch.device) -> TextTargets:
        """The same on a device."""
        return TextTargets(self.presence.to(device), self.places.to(device), self.rivals.to(device))


Batch = tuple[Tensor, list[str], Tensor, TextTargets]


def source_size(settings: TrainingSettings, size: int) -> int:
    """Side at which images are kept for a model input of side ``size``."""
    return round(SOURCE_SCALE * size) if settings.augmentation == "full" else size


def epoch_steps(sets: Sequence[TrainingSet], batch_size: int) -> int:
    """Optimizer steps an epoch; the last one of it may have fewer pairs."""
    return math.ceil(sum(len(training_set.prompts) for training_set in sets) / batch_size)


class BatchSampler:
    """Draws batches: by epochs, or mixed (sets by the root of their image count, then items and prompts by chance).

    Args:
        sets: at least one.
        size: side of the model input.
        preprocessing: how the model wants its input.
        settings: everything else.
    """

    def __init__(
        self, sets: Sequence[TrainingSet], size: int, preprocessing: PreprocessingConfig, settings: TrainingSettings
    ) -> None:
        self._sets = [_shrink_set(training_set, source_size(settings, size)) for training_set in sets]
        weights = [settings.set_weights.get(s.name, 1.0) * math.sqrt(s.image_count) for s in sets]
        self._shares = np.array(weights) / sum(weights)
        self._size = size
        self._preprocessing = preprocessing
        self._settings = settings
        self._prompting = Prompting(sets, settings)
        self._pairs = [
            (number, item, target)
            for number, training_set in enumerate(self._sets)
            for item in training_set.items
            for target in item.targets
        ]

    def row_count(self, step: int) -> int:
        """Pairs of a step, over all processes."""
        batch_size = self._settings.batch_size
        if self._settings.epochs is None:
            return batch_size
        first = step % epoch_steps(self._sets, batch_size) * batch_size
        return min(batch_size, len(self._pairs) - first)

    def batch(self, step: int, rows: Sequence[int]) -> Batch:
        """Images (B, 3, S, S), prompts, masks (B, S, S) float and more on the prompts, of some rows of a step."""
        images, texts, masks, shown = zip(*(self.example(step, row) for row in rows), strict=True)
        labels = torch.from_numpy(np.stack(masks))
        inside = (labels == 1).float()
        inputs = model_input(np.stack(images), self._preprocessing)
        targets = TextTargets(presence_targets(texts, shown, inside), place_targets(texts), labels == OTHER)
        return inputs, list(texts), inside, targets

    def example(self, step: int, row: int) -> Example:
        """One augmented image, its prompt, its labels and the areas of the body it shows."""
        rng = np.random.default_rng([self._settings.seed, step, row])
        composition = self._settings.composition
        if composition is not None and rng.random() < composition.mosaics:
            return mosaic(self._draw, self._prompting, composition, self._size, rng)
        number, item, text, mask = self._draw(rng) if self._settings.epochs is None else self._scheduled(step, row)
        if composition is not None and rng.random() < composition.one_of_several:
            asked = self._one_of_several(item, text, mask, rng)
            if asked is not None:
                return *asked, self._prompting.areas[number]
        text, mask = self._prompting(number, text, _with_rivals(item, mask), rng)
        if self._settings.augmentation == "rotation":
            image, mask = rotate(item, mask, self._size, rng)
            return image, text, mask, self._prompting.areas[number]
        image, changed, mask = augment(item, text, mask, self._size, rng)
        # A prompt that is nothing but a word of place or size stays.
        return image, changed or text, mask, self._prompting.areas[number]

    def _draw(
        self, rng: np.random.Generator, number: int | None = None
    ) -> tuple[int, TrainingItem, str, NDArray[np.uint8]]:
        """A random example, of a set when its number is given."""
        if number is None:
            number = int(rng.choice(len(self._sets), p=self._shares))
        item = choose(self._sets[number].items, rng)
        return number, item, *choose(item.targets, rng)

    def _scheduled(self, step: int, row: int) -> tuple[int, TrainingItem, str, NDArray[np.uint8]]:
        """The pair whose turn it is: every pair once an epoch."""
        epoch, within = divmod(step, epoch_steps(self._sets, self._settings.batch_size))
        order = np.random.default_rng([self._settings.seed, epoch]).permutation(len(self._pairs))
        number, item, target = self._pairs[order[within * self._settings.batch_size + row]]
        return number, item, *target

    def _one_of_several(
        self, item: TrainingItem, text: str, mask: NDArray[np.uint8], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], str, NDArray[np.uint8]] | None:
        """An example that asks for one of two findings; None when the image does not have two."""
        asked = one_of_several(mask, thing(text), rng)
        if asked is None:
            return None
        phrase, labels = asked
        image, phrase, moved = augment(item, phrase, labels, self._size, rng, relative=True)
        if not still_apart(moved, labels):
            return image, short(text, rng), (moved > 0).astype(np.uint8)
        return image, phrase, moved


def _with_rivals(item: TrainingItem, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels of a mask and of what other prompts of the image mean, if that lies apart: the other part of an organ."""
    apart = [other for _, other in item.targets if not (other & mask).any()]
    return np.where(mask > 0, 1, OTHER * np.any(apart, axis=0)).astype(np.uint8) if apart else mask


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


def model_input(images: NDArray[np.uint8], config: PreprocessingConfig) -> Tensor:
    """Input (B, 3, S, S) of 8-bit images (B, S, S, 3)."""
    if config.channel_order == "bgr":
        images = images[..., ::-1]
    return normalize(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2), config)
