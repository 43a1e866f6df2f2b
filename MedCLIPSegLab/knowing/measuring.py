"""Which names of a thing a model understands, measured on validation images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from MedCLIPSegLogic.knowledge.known import KnownThing

from ..data import prompt_words
from ..data.rewording import bare_thing
from ..metrics import dice_score
from .counting import KindCounts
from .names import names_to_try, same_things, unrelated_names
from .previews import Previews
from .sets import KnowingSet, Shown

MOST_IMAGES = 30
"""Validation images of a kind on which each name of a thing is tried."""
AS_GOOD = 0.02
"""Dice by which a name may be worse than the best one and still name the thing, if prompts use it more."""


@dataclass(frozen=True)
class Asked:
    """A thing of a kind of image.

    Args:
        group: its names in training prompts, without kinds, the most frequent first.
        images: training images that show it.
        names: names to try.
    """

    group: tuple[str, ...]
    images: int
    names: tuple[str, ...]


def asked_things(counts: KindCounts) -> list[Asked]:
    """The things of a kind of image, the one that most images show first."""
    groups = same_things({name: len(images) for name, images in counts.things.items()})
    asked = []
    for group in groups:
        images = set().union(*(counts.things[name] for name in group))
        asked.append(Asked(tuple(group), len(images), tuple(names_to_try(group, counts.names))))
    return sorted(asked, key=lambda each: -each.images)


def measure_things(
    asked: Sequence[Asked], sets: Sequence[KnowingSet], previews: Previews | None
) -> Iterator[tuple[str, KnownThing]]:
    """Measure the things of a kind of image, one after the other.

    Args:
        asked: the things.
        sets: the data sets of the kind.
        previews: the model; None where nothing is to be measured.

    Yields:
        The name each thing is best known by, and what is known of it; without dice where no validation image shows it.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    prompts = [row.description for each in sets for row in each.training]
    unrelated = unrelated_names(prompt_words.anatomy(prompts))
    for thing in asked:
        means = {} if previews is None else _measure(thing, [*thing.names, *unrelated], sets, previews)
        yield _known(thing, means, unrelated)


def _measure(thing: Asked, names: Sequence[str], sets: Sequence[KnowingSet], previews: Previews) -> dict[str, float]:
    """Mean Dice of each name; empty where no validation image shows the thing."""
    dice = defaultdict(list)
    for shown in _cases(thing, sets):
        seen = previews.see(shown)
        for name in names:
            dice[name].append(dice_score(previews.mask(seen, name), seen.truth))
    return {name: round(fmean(values), 3) for name, values in dice.items()}


def _known(thing: Asked, means: Mapping[str, float], unrelated: Sequence[str]) -> tuple[str, KnownThing]:
    if not means:
        return thing.group[0], KnownThing(images=thing.images)
    best = max(means[name] for name in thing.group)
    name = next(name for name in thing.group if means[name] >= best - AS_GOOD)
    return name, KnownThing(
        images=thing.images,
        dice=means[name],
        wordings={other: means[other] for other in thing.names if other != name},
        unrelated=round(fmean(means[other] for other in unrelated), 3),
    )


def _cases(thing: Asked, sets: Sequence[KnowingSet]) -> Iterator[Shown]:
    """Up to :data:`MOST_IMAGES` validation rows that show the thing, spread evenly over those that name it."""
    rows = [
        (each, row)
        for each in sets
        for row in each.validation
        if not prompt_words.names_absence(row.description) and bare_thing(row.description) in thing.group
    ]
    count = min(MOST_IMAGES, len(rows))
    for number in np.linspace(0, len(rows) - 1, count).round().astype(int) if rows else ():
        each, row = rows[number]
        for shown in each.shown("Val", [row]):
            if shown.truth.any():
                yield shown
