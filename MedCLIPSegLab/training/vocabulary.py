"""The text a small model's vocabulary is built from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..data.wordings import wordings
from .data import TrainingSet
from .prompting import Prompting
from .settings import TrainingSettings


def vocabulary_texts(sets: Sequence[TrainingSet], settings: TrainingSettings) -> Iterator[str]:
    """Every prompt with a variant as the settings make them and, with prompt styles, all wordings of training."""
    prompting, rng = Prompting(sets, settings), np.random.default_rng(settings.seed)
    for training_set in sets:
        for text in training_set.prompts:
            yield text
            yield prompting.vary(text, rng)
    if settings.styles is None and settings.composition is None:
        return
    data = wordings()
    groups = [
        data.short,
        data.around,
        data.overdescriptive,
        data.absence,
        data.mosaic,
        data.contradictory,
        data.sizes,
        data.places,
        *data.synonyms.values(),
    ]
    groups += [*data.one_of_several.values(), *data.absent_things.values()]
    for group in groups:
        for wording in group:
            # A word enters the vocabulary from its second use on.
            yield from (wording.format(target="", prompt="", place="", word=""),) * 2
    yield from ("upper left", "upper right", "lower left", "lower right") * 2
