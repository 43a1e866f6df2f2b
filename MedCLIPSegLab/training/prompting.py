"""Which prompt an example gets, in which words, and whether its mask is empty because the thing is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..data import prompt_words, rewording
from ..data.wordings import wordings
from .data import TrainingSet
from .settings import PromptStyles, TrainingSettings

Option = TypeVar("Option")
Mask = NDArray[np.uint8]
SEEN_ABSENCE_SHARE = 0.6
"""Share of pictures without a finding that are asked for one all the same: the answer must be seen, not read."""

UNKNOWN_THING_SHARE = 0.3
"""Share of the things asked for in vain that are words without meaning: what is not known must not be found."""

ABSENT_IN_PLACE_SHARE = 0.4
"""Share of those that stand in the image's own prompt in place of the thing: the words around it must not find it."""
VARIED = PromptStyles(
    missing_location=0.15,
    missing_size=0.1,
    overdescriptive=0.1,
    short=0.35,
    **dict.fromkeys(("random_size", "synonyms", "contradictory", "absent", "random_place"), 0.0),
)
"""What "varied" means where no styles are given."""


class Prompting:
    """Chooses prompts.

    Args:
        sets: the training sets; an example's set is named by its position.
        settings: ``prompts``, ``styles`` and ``negative_share``.
    """

    def __init__(self, sets: Sequence[TrainingSet], settings: TrainingSettings) -> None:
        self._negative_share = settings.negative_share
        self._styles = settings.styles or (VARIED if settings.prompts == "varied" else None)
        self.regions = [prompt_words.anatomy(training_set.prompts) for training_set in sets]
        self.areas = [wordings().areas_of(region) for region in self.regions]
        self._foreign = [
            [
                text
                for other, other_region in zip(sets, self.regions, strict=True)
                if region and other_region and not region & other_region
                for text in other.prompts
                if prompt_words.names_anatomy(text) and not prompt_words.names_absence(text)
            ]
            for region in self.regions
        ]
        self._findings = [[t for t in s.prompts if not prompt_words.names_absence(t)] for s in sets]
        self._elsewhere = [wordings().things_elsewhere(region) for region in self.regions]

    def __call__(self, number: int, text: str, mask: Mask, rng: np.random.Generator) -> tuple[str, Mask]:
        """Prompt and mask of an example.

        Args:
            number: of the example's set.
            text, mask: a prompt of the image and its mask.
            rng: the only source of chance.
        """
        styles = self._styles
        if self._foreign[number] and rng.random() < self._negative_share:
            return self.vary(choose(self._foreign[number], rng), rng), np.zeros_like(mask)
        if styles is not None and self._elsewhere[number] and rng.random() < styles.absent:
            unknown = rng.random() < UNKNOWN_THING_SHARE
            absent = rewording.unknown_thing(rng) if unknown else choose(self._elsewhere[number], rng)
            target = prompt_words.named_target(text)
            if target is not None and rng.random() < ABSENT_IN_PLACE_SHARE:
                return text.replace(target, absent, 1), np.zeros_like(mask)
            return rewording.fill(choose(wordings().short, rng), absent), np.zeros_like(mask)
        findings = self._findings[number] if styles is not None and prompt_words.names_absence(text) else []
        if findings and rng.random() < SEEN_ABSENCE_SHARE:
            return rewording.short(choose(findings, rng), rng), mask
        return self.vary(text, rng), mask

    def vary(self, text: str, rng: np.random.Generator) -> str:
        """A prompt as the settings want it."""
        return text if self._styles is None else style_prompt(text, self._styles, rng) or text

    def finding(self, number: int, text: str, rng: np.random.Generator) -> str:
        """The thing a prompt of a set names, or for an image without one a thing of the same set."""
        if prompt_words.names_absence(text) and self._findings[number]:
            text = choose(self._findings[number], rng)
        return rewording.thing(text)


def choose(options: Sequence[Option], rng: np.random.Generator) -> Option:
    """One of several, each as likely."""
    return options[int(rng.integers(len(options)))]


def style_prompt(text: str, styles: PromptStyles, rng: np.random.Generator) -> str:
    """A prompt in a random style, still true of its picture but for words of size and place."""
    if prompt_words.names_absence(text):
        draw = rng.random() - styles.short
        if draw < 0:
            return rewording.absence(text, rng)
        return rewording.reorder(text) if draw < styles.synonyms else text
    change = {
        "missing_location": lambda: prompt_words.drop_location(text),
        "missing_size": lambda: prompt_words.drop_size(text),
        "random_size": lambda: rewording.randomize_size(text, rng),
        "overdescriptive": lambda: rewording.overdescribe(text, rng),
        "short": lambda: rewording.short(text, rng),
        "contradictory": lambda: rewording.contradict(text, rng),
        "synonyms": lambda: _other_words(text, rng),
        "random_place": lambda: rewording.randomize_place(
            rewording.overdescribe(text, rng) if rng.random() < 0.5 else text, rng
        ),
    }
    draw = rng.random()
    for name, apply in change.items():
        draw -= getattr(styles, name)
        if draw < 0:
            return apply()
    return text


def _other_words(text: str, rng: np.random.Generator) -> str:
    reorders = rng.random() < 0.5
    changed = rewording.replace_noun(text, rng)
    return rewording.reorder(changed) if reorders else changed
