"""Which prompt an example gets, and whether its mask is empty because the thing is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from . import prompt_styles, prompts
from .data import TrainingSet
from .prompt_data import prompt_data
from .settings import TrainingSettings

Option = TypeVar("Option")
Mask = NDArray[np.uint8]
SEEN_ABSENCE_SHARE = 0.6
"""Share of pictures without a finding that are asked for one all the same: the answer must be seen, not read."""

UNKNOWN_THING_SHARE = 0.3
"""Share of the things asked for in vain that are words without meaning: what is not known must not be found."""

ABSENT_IN_PLACE_SHARE = 0.4
"""Share of those that stand in the image's own prompt in place of the thing: the words around it must not find it."""


class Prompting:
    """Chooses prompts.

    Args:
        sets: the training sets; an example's set is named by its position.
        settings: ``prompts``, ``styles`` and ``negative_share``.
    """

    def __init__(self, sets: Sequence[TrainingSet], settings: TrainingSettings) -> None:
        self._settings = settings
        self.regions = [prompts.anatomy(training_set.prompts) for training_set in sets]
        self.areas = [prompt_data().areas_of(region) for region in self.regions]
        self._foreign = [
            [
                text
                for other, other_region in zip(sets, self.regions, strict=True)
                if region and other_region and not region & other_region
                for text in other.prompts
                if prompts.names_anatomy(text) and not prompts.names_absence(text)
            ]
            for region in self.regions
        ]
        self._findings = [[t for t in s.prompts if not prompts.names_absence(t)] for s in sets]
        self._elsewhere = [prompt_data().things_elsewhere(region) for region in self.regions]

    def __call__(self, number: int, text: str, mask: Mask, rng: np.random.Generator) -> tuple[str, Mask]:
        """Prompt and mask of an example.

        Args:
            number: of the example's set.
            text, mask: a prompt of the image and its mask.
            rng: the only source of chance.
        """
        styles = self._settings.styles
        if self._foreign[number] and rng.random() < self._settings.negative_share:
            return self.vary(choose(self._foreign[number], rng), rng), np.zeros_like(mask)
        if styles is not None and self._elsewhere[number] and rng.random() < styles.absent:
            unknown = rng.random() < UNKNOWN_THING_SHARE
            absent = prompt_styles.unknown_thing(rng) if unknown else choose(self._elsewhere[number], rng)
            target = prompts.named_target(text)
            if target is not None and rng.random() < ABSENT_IN_PLACE_SHARE:
                return text.replace(target, absent, 1), np.zeros_like(mask)
            return prompt_styles.fill(choose(prompt_data().short, rng), absent), np.zeros_like(mask)
        asked = self._settings.prompts == "varied" or styles is not None
        if asked and prompts.names_absence(text) and self._findings[number] and rng.random() < SEEN_ABSENCE_SHARE:
            finding = choose(self._findings[number], rng)
            return (prompts.shorten if styles is None else prompt_styles.short)(finding, rng), mask
        return self.vary(text, rng), mask

    def vary(self, text: str, rng: np.random.Generator) -> str:
        """A prompt as the settings want it."""
        if self._settings.styles is not None:
            return prompt_styles.style_prompt(text, self._settings.styles, rng) or text
        return prompts.vary(text, rng) or text if self._settings.prompts == "varied" else text

    def finding(self, number: int, text: str, rng: np.random.Generator) -> str:
        """The thing a prompt of a set names, or for an image without one a thing of the same set."""
        if prompts.names_absence(text) and self._findings[number]:
            text = choose(self._findings[number], rng)
        return prompt_styles.thing(text)


def choose(options: Sequence[Option], rng: np.random.Generator) -> Option:
    """One of several, each as likely."""
    return options[int(rng.integers(len(options)))]
