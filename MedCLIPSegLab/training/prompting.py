"""Which prompt an example gets, in which words, and whether its mask is empty because the thing is not there."""

from __future__ import annotations

import re
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


_SYNONYMS = {"tumor": ("tumor", "lesion", "mass", "tumour"), "lesion": ("lesion", "tumor", "mass"), "mass": ("mass",)}
_SHORT = (
    "{target}",
    "{target}",
    "a {target}",
    "the {target}",
    "{target} visible",
    "{target} visible.",
    "find the {target}",
    "segment the {target}",
    "show me the {target}",
    "where is the {target}?",
    "a {target} is visible in the image",
    "outline of the {target}",
)
_TAILS = (
    " with irregular boundaries and complex internal texture",
    " with smooth margins and a homogeneous interior",
    ", seen against otherwise normal surrounding tissue",
    " that stands out from its surroundings by texture and contrast",
    ", clearly delineated and of heterogeneous appearance",
)


class Prompting:
    """Chooses prompts.

    Args:
        sets: the training sets; an example's set is named by its position.
        settings: ``prompts``, ``styles`` and ``negative_share``.
    """

    def __init__(self, sets: Sequence[TrainingSet], settings: TrainingSettings) -> None:
        self._settings = settings
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
        styles = self._settings.styles
        if self._foreign[number] and rng.random() < self._settings.negative_share:
            return self.vary(choose(self._foreign[number], rng), rng), np.zeros_like(mask)
        if styles is not None and self._elsewhere[number] and rng.random() < styles.absent:
            unknown = rng.random() < UNKNOWN_THING_SHARE
            absent = rewording.unknown_thing(rng) if unknown else choose(self._elsewhere[number], rng)
            target = prompt_words.named_target(text)
            if target is not None and rng.random() < ABSENT_IN_PLACE_SHARE:
                return text.replace(target, absent, 1), np.zeros_like(mask)
            return rewording.fill(choose(wordings().short, rng), absent), np.zeros_like(mask)
        asked = self._settings.prompts == "varied" or styles is not None
        if asked and prompt_words.names_absence(text) and self._findings[number] and rng.random() < SEEN_ABSENCE_SHARE:
            finding = choose(self._findings[number], rng)
            return (shorten if styles is None else rewording.short)(finding, rng), mask
        return self.vary(text, rng), mask

    def vary(self, text: str, rng: np.random.Generator) -> str:
        """A prompt as the settings want it."""
        if self._settings.styles is not None:
            return style_prompt(text, self._settings.styles, rng) or text
        return vary(text, rng) or text if self._settings.prompts == "varied" else text

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
        "random_place": lambda: _misplaced(text, rng),
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


def _misplaced(text: str, rng: np.random.Generator) -> str:
    return rewording.randomize_place(rewording.overdescribe(text, rng) if rng.random() < 0.5 else text, rng)


def shorten(text: str, rng: np.random.Generator) -> str:
    """A short prompt as a person would type it: the named thing alone, perhaps by a synonym or without its kind."""
    target = prompt_words.named_target(text)
    if target is None:
        return prompt_words.drop_size(prompt_words.drop_location(text))
    *kinds, noun = target.split()
    if rng.random() < 0.4:  # a kind may go unsaid, but not the part that is meant
        target = " ".join([*(kind for kind in kinds if kind in prompt_words.PART_WORDS), noun])
    choices = _SYNONYMS.get(noun, (noun,))
    target = target.removesuffix(noun) + str(rng.choice(choices))
    organ = prompt_words.named_image(text)
    short = re.sub(r"\ba (?=[aeiou])", "an ", str(rng.choice(_SHORT)).format(target=target))
    if organ and rng.random() < 0.4 and "image" not in short and "?" not in short:
        short = f"{short.rstrip('.')} in the {organ}"
    return short[0].upper() + short[1:] if rng.random() < 0.5 else short


def overdescribe(text: str, rng: np.random.Generator) -> str:
    """The prompt with a tail that says nothing about this picture."""
    return text.rstrip(" .") + str(rng.choice(_TAILS)) + "."


def vary(text: str, rng: np.random.Generator) -> str:
    """A random variant of a prompt, still true of its picture."""
    draw = rng.random()
    if prompt_words.names_absence(text):
        return text
    if draw < 0.30:
        return text
    if draw < 0.45:
        return prompt_words.drop_location(text)
    if draw < 0.55:
        return prompt_words.drop_size(text)
    if draw < 0.65:
        return overdescribe(text, rng)
    return shorten(text, rng)
