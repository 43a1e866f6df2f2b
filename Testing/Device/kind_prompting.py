"""Prompts for many kinds of image: what a picture shows by all its names, and what it cannot show."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from kinds import Kinds, class_of_prompts
from numpy.typing import NDArray

from MedCLIPSegLab.data import prompt_words, rewording
from MedCLIPSegLab.data.wordings import wordings
from MedCLIPSegLab.training.data import TrainingSet
from MedCLIPSegLab.training.prompting import Prompting, choose
from MedCLIPSegLab.training.settings import TrainingSettings

FOREIGN, ABSENT, NAMED = 0.12, 0.18, 0.22
"""Shares of prompts of another kind of image, of things that are not there, and of the thing by one of its names."""
UNKNOWN, HEALTHY, DENIED, IN_PLACE = 0.28, 0.4, 0.2, 0.3
"""Of the absent things: words without meaning; things of the same part of the body; denials; inside the own prompt."""
Mask = NDArray[np.uint8]


class KindPrompting(Prompting):
    """Chooses prompts with the words of ``kinds.json``.

    Args:
        sets: the training sets.
        settings: ``styles``; what is absent is chosen here, so ``negative_share`` and ``styles.absent`` must be 0.
        kinds: of the sets, by name.
    """

    def __init__(self, sets: Sequence[TrainingSet], settings: TrainingSettings, kinds: Kinds) -> None:
        super().__init__(sets, settings)
        assert settings.negative_share == 0
        assert settings.styles is not None
        assert settings.styles.absent == 0
        self._styles = settings.styles
        self._kinds = [kinds.sets[s.name] for s in sets]
        self._classes = [class_of_prompts(s) for s in sets]
        self._others = [[n for n, other in enumerate(sets) if kinds.are_foreign(s.name, other.name)] for s in sets]
        self._given = [sorted({text for text in s.prompts if _names_the_body(text)}) for s in sets]

    def __call__(self, number: int, text: str, mask: Mask, rng: np.random.Generator) -> tuple[str, Mask]:
        """Prompt and mask of an example, see :class:`Prompting`."""
        draw = rng.random() - FOREIGN
        if draw < 0:
            return self._foreign_prompt(number, rng), np.zeros_like(mask)
        draw -= ABSENT
        if draw < 0:
            return self._absent_prompt(number, text, rng), np.zeros_like(mask)
        draw -= NAMED
        names = self._kinds[number].names.get(self._classes[number].get(text, ""))
        if draw < 0 and names:
            return _asked(choose(names, rng), text, rng), mask
        return super().__call__(number, text, mask, rng)

    def _foreign_prompt(self, number: int, rng: np.random.Generator) -> str:
        """A prompt that is right for a picture of another kind."""
        other = choose(self._others[number], rng)
        if self._given[other] and rng.random() < 0.4:
            return self.vary_long(choose(self._given[other], rng), rng)
        name = choose(self._kinds[other].specific, rng)
        return _denied(name, rng) if rng.random() < DENIED else _asked(name, "", rng)

    def vary_long(self, text: str, rng: np.random.Generator) -> str:
        """A prompt as given, perhaps over-described or without its place: its kind of image stays named."""
        draw = rng.random()
        if draw < 0.3:
            return rewording.overdescribe(text, rng)
        return prompt_words.drop_location(text) if draw < 0.6 else text

    def _absent_prompt(self, number: int, text: str, rng: np.random.Generator) -> str:
        """A thing that is not there, though the picture may be of the right part of the body."""
        healthy, elsewhere = self._kinds[number].healthy, self._elsewhere[number]
        if rng.random() < UNKNOWN or not (healthy or elsewhere):
            name = rewording.unknown_thing(rng)
        elif healthy and (not elsewhere or rng.random() < HEALTHY):
            name = choose(healthy, rng)
        else:
            name = choose(elsewhere, rng)
        draw = rng.random() - DENIED
        if draw < 0:
            return _denied(name, rng)
        target = prompt_words.named_target(text)
        if target is not None and draw < IN_PLACE and target in text:
            return text.replace(target, name, 1)
        return _asked(name, "", rng)


def _names_the_body(text: str) -> bool:
    return prompt_words.names_anatomy(text) and not prompt_words.names_absence(text)


def _asked(name: str, text: str, rng: np.random.Generator) -> str:
    """A name in a short template, now and then with unknown words around it or the kind of image after it."""
    template = str(rng.choice(wordings().short))
    if rng.random() < 0.15:
        around = str(rng.choice(wordings().around))
        template = re.sub(r"\{word\}", lambda match: rewording.unknown_word(rng), around)
    if re.search(r"(?<![su])s$|[aei]i$|ae$|^(?:the|both|all|every)\b", name):
        template = re.sub(r"\b[Aa] \{target\}", "the {target}", template)
        if name.startswith(("the ", "both ", "all ", "every ")):
            template = template.replace("the {target}", "{target}")
    phrase = rewording.fill(template, name)
    image = prompt_words.named_image(text)
    if image and rng.random() < 0.3 and not re.search(r"\?|image|here", phrase):
        phrase = f"{phrase} in the {image}"
    return phrase + "." if rng.random() < 0.2 else phrase


def _denied(name: str, rng: np.random.Generator) -> str:
    """A denial of something that indeed is not there."""
    data = wordings()
    templates = data.absence if rng.random() < 0.6 else [t for t in data.contradictory if "{prompt}" not in t]
    template = re.sub(r"\{word\}", lambda match: rewording.unknown_word(rng), str(rng.choice(templates)))
    return rewording.fill(template, name)
