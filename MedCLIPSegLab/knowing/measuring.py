"""Which names of a thing a model understands, measured on validation images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from MedCLIPSegLogic.knowledge.known import KnownThing

from ..data import prompt_words
from ..data.rewording import bare_thing
from ..metrics import dice_score
from .counting import KindCounts
from .names import names_to_try, same_things, trained_names, unrelated_names
from .placing import obeys_place
from .previews import Previews
from .sets import KnowingSet, Shown

MOST_IMAGES = 30
"""Validation images of a kind on which each name of a thing is tried."""
FIRST_IMAGES, BEHIND = 10, 0.6
"""After so many of them only names with this share of the best Dice are tried on."""
AS_GOOD = 0.02
"""Dice by which a name may be worse than the best one and still name the thing, if prompts use it more."""


@dataclass(frozen=True)
class Asked:
    """A thing of a kind of image.

    Args:
        group: its names in training prompts, without kinds, the most frequent first.
        images: training images that show it.
        trained: its names in training prompts, the better ones to name it by first.
        names: names to try, those among them.
    """

    group: tuple[str, ...]
    images: int
    trained: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What is known of a thing.

    Args:
        name: it is best known by.
        known: of it; without dice where no validation image shows it.
        obeys_place: see :class:`KnownKind`.
    """

    name: str
    known: KnownThing
    obeys_place: float | None = None


def asked_things(counts: KindCounts) -> list[Asked]:
    """The things of a kind of image, the one that most images show first."""
    groups = same_things({name: len(images) for name, images in counts.things.items()})
    asked = []
    for group in groups:
        images = set().union(*(counts.things[name] for name in group))
        trained = trained_names(group, counts.names)
        asked.append(Asked(tuple(group), len(images), tuple(trained), tuple(names_to_try(trained))))
    return sorted(asked, key=lambda each: -each.images)


def measure_things(asked: Sequence[Asked], sets: Sequence[KnowingSet], previews: Previews | None) -> Iterator[Measured]:
    """Measure the things of a kind of image, one after the other.

    Args:
        asked: the things.
        sets: the data sets of the kind.
        previews: the model; None where nothing is to be measured.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    prompts = [row.description for each in sets for row in each.training]
    unrelated = unrelated_names(prompt_words.anatomy(prompts))
    for thing in asked:
        cases = [] if previews is None else _cases(thing, sets)
        if previews is None or not cases:
            yield Measured(thing.trained[0], KnownThing(images=thing.images))
            continue
        means = _measure(cases, [*thing.names, *unrelated], previews)
        best = max(means[name] for name in thing.trained)
        name = next(name for name in thing.trained if means[name] >= best - AS_GOOD)
        pictures = [case for case in cases if case.volume.is_single_slice]
        known = KnownThing(
            images=thing.images,
            dice=means[name],
            wordings={other: means[other] for other in thing.names if other != name},
            unrelated=round(fmean(means[other] for other in unrelated), 3),
        )
        yield Measured(name, known, obeys_place(pictures, name, previews))


def _measure(cases: Sequence[Shown], names: Sequence[str], previews: Previews) -> dict[str, float]:
    """Mean Dice of each name; one that is far behind after some images is not asked on the others."""
    dice: dict[str, list[float]] = {name: [] for name in names}
    left = list(names)
    for number, case in enumerate(cases):
        if number == FIRST_IMAGES:
            means = {name: fmean(values) for name, values in dice.items()}
            left = [name for name in names if means[name] >= BEHIND * max(means.values())]
        seen = previews.see(case)
        for name in left:
            dice[name].append(dice_score(previews.mask(seen, name), seen.truth))
    return {name: round(fmean(values), 3) for name, values in dice.items()}


def _cases(thing: Asked, sets: Sequence[KnowingSet]) -> list[Shown]:
    """Up to :data:`MOST_IMAGES` validation rows that show the thing, spread evenly over those that name it."""
    rows = [
        (each, row)
        for each in sets
        for row in each.validation
        if not prompt_words.names_absence(row.description) and bare_thing(row.description) in thing.group
    ]
    if not rows:
        return []
    numbers = np.linspace(0, len(rows) - 1, min(MOST_IMAGES, len(rows))).round().astype(int)
    cases = [shown for number in numbers for shown in rows[number][0].shown("Val", [rows[number][1]])]
    return [case for case in cases if case.truth.any()]
