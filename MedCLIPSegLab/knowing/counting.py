"""What the training rows of one kind of image show, how large, in which plane and in which words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.knowledge.known import LONGEST_PROMPT, MOST_LETTERS
from MedCLIPSegLogic.knowledge.words import words_of
from MedCLIPSegLogic.volumes.planes import ACROSS, choose_axis

from ..data import prompt_words
from ..data.rewording import bare_thing, thing
from ..data.wordings import wordings
from .sets import KnowingSet, Shown

PERCENTILES = (1, 25, 50, 75, 99)
EXAMPLES = 8
Plane = Literal["axial", "coronal", "sagittal"]


@dataclass
class KindCounts:
    """What was counted over one kind of image.

    Args:
        images: files of images.
        things: images that show a thing, by its name without its kind ("tumor").
        names: how often a thing was called by a longer name ("benign tumor"), by its name without it.
        areas: share of the slice that a mask covers, of slices that show something.
        planes: planes of the slices of volumes, and None for every picture.
        words: how often a word stood in a prompt whose mask was not empty.
        prompts: examples.
    """

    images: set[tuple[str, str]] = field(default_factory=set)
    things: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    areas: list[float] = field(default_factory=list)
    planes: Counter[str | None] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    prompts: tuple[str, ...] = ()

    @property
    def area(self) -> tuple[float, float, float, float, float] | None:
        """Percentiles of the areas, to four digits; None when nothing was shown."""
        if not self.areas:
            return None
        found = [round(float(value), 5) for value in np.percentile(self.areas, PERCENTILES)]
        return cast("tuple[float, float, float, float, float]", tuple(found))

    @property
    def plane(self) -> Plane | None:
        """Plane of most images; None for pictures."""
        name = self.planes.most_common(1)[0][0] if self.planes else None
        return cast("Plane", name) if name in ACROSS else None


def count_kind(sets: Sequence[KnowingSet]) -> Iterable[KindCounts]:
    """Count over the training rows of the data sets of a kind; yields the same, growing counts after every row.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    counts = KindCounts()
    counts.prompts = example_prompts([row for each in sets for row in each.training])
    for each in sets:
        name = each.folder.resolve().name
        for shown in each.shown("Train", each.training):
            _add(counts, name, shown)
            yield counts


def style_words() -> frozenset[str]:
    """Words that training puts around prompts, whatever they ask for."""
    styles = wordings()
    templates = [*styles.short, *styles.overdescriptive, *styles.around, *styles.absence, *styles.mosaic]
    templates += [*styles.contradictory, *styles.places, *styles.sizes]
    templates += [template for group in styles.one_of_several.values() for template in group]
    return frozenset(word for template in templates for word in words_of(re.sub(r"\{\w+\}", " ", template)))


def example_prompts(rows: Sequence[SheetRow]) -> tuple[str, ...]:
    """Some prompts, as different from each other as the rows allow: each brings the most words not seen before."""
    texts = dict.fromkeys(row.description for row in rows if not prompt_words.names_absence(row.description))
    left = [text for text in texts if len(text) <= LONGEST_PROMPT]
    chosen: list[str] = []
    seen: Counter[str] = Counter()
    while left and len(chosen) < EXAMPLES:
        best = max(left, key=lambda text: _novelty(text, seen))
        chosen.append(best)
        left.remove(best)
        seen.update(set(words_of(best)))
    return tuple(chosen)


def _novelty(text: str, seen: Counter[str]) -> float:
    """How new the words of a prompt are; long ones do not win by their length alone."""
    words = set(words_of(text))
    return sum(1 / (1 + seen[word]) ** 2 for word in words) / max(1, len(words)) ** 0.5


def _add(counts: KindCounts, set_name: str, shown: Shown) -> None:
    image = (set_name, shown.row.image)
    text = shown.row.description
    axis = choose_axis(shown.volume, "auto")
    if image not in counts.images:
        counts.images.add(image)
        counts.planes[None if shown.volume.is_single_slice else axis.name] += 1
    if not shown.truth.any():
        return
    across = tuple(number for number in range(3) if number != axis.axis)
    areas = shown.truth.mean(axis=across)
    counts.areas += [float(area) for area in areas[areas > 0]]
    counts.words.update({word for word in words_of(text) if len(word) <= MOST_LETTERS})
    if not prompt_words.names_absence(text) and len(thing(text)) <= MOST_LETTERS:
        bare = bare_thing(text)
        counts.things[bare].add(image)
        counts.names[bare][thing(text)] += 1
