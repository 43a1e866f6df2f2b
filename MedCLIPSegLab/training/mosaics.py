"""Mosaics of several training images, one of which is asked for by thing, place or size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import prompts
from .augment import augment
from .composition import LAYOUTS, OTHER, Tile, arrange, cell_count, place_prompt, size_order, size_prompt
from .data import TrainingItem
from .prompt_styles import short
from .prompting import Prompting
from .settings import Composition

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Draw = Callable[[np.random.Generator, int | None], tuple[int, TrainingItem, str, Mask]]
"""A random set number, item, prompt and mask; the set may be given."""


@dataclass(frozen=True, eq=False)
class _Source:
    """What a tile shows: the number of its set, its prompt, and the thing that one names."""

    number: int
    text: str
    thing: str


def mosaic(
    draw: Draw, prompting: Prompting, composition: Composition, size: int, rng: np.random.Generator
) -> tuple[Picture, str, Mask, frozenset[str]]:
    """One mosaic, its prompt, what that asks for and the areas of the body it shows.

    The first image is the one meant. Where another image shows the same part of the body, the thing alone would not
    tell them apart, so it is asked for by place or size; otherwise by the thing alone in half of the cases.

    Args:
        draw: gives examples.
        prompting: knows the sets.
        composition: how mosaics look.
        size: side of the result.
        rng: the only source of chance.

    Returns:
        (size, size, 3) uint8, prompt, (size, size) uint8 labels (1 for what is asked for, 2 for the findings that are
        not), areas; none when one of them is not known.
    """
    layout = LAYOUTS[int(rng.integers(len(LAYOUTS)))]
    sources: list[_Source] = []
    tiles: list[Tile] = []
    alike = rng.random() < composition.alike
    for _ in range(cell_count(layout)):
        number, item, text, mask = draw(rng, sources[0].number if alike and sources else None)
        image, _, warped = augment(item, "", mask, size, rng)
        sources.append(_Source(number, text, prompting.finding(number, text, rng)))
        tiles.append(Tile(image, warped))
    order = rng.permutation(len(tiles))
    sources, tiles = [sources[i] for i in order], [tiles[i] for i in order]
    picture, placed = arrange(tiles, layout, rng.random() < composition.padded)
    wanted = int(np.flatnonzero(order == 0)[0])
    text, chosen = _ask(sources, placed, wanted, prompting, rng)
    areas = [prompting.areas[source.number] for source in sources]
    shown = frozenset[str]().union(*areas) if all(areas) else frozenset[str]()
    labels = np.zeros((size, size), np.uint8)
    for number, tile in enumerate(placed):
        labels[tile.mask > 0] = 1 if number in chosen else OTHER
    return picture, text, labels, shown


def _ask(
    sources: list[_Source], tiles: list[Tile], wanted: int, prompting: Prompting, rng: np.random.Generator
) -> tuple[str, list[int]]:
    """A prompt and the numbers of the tiles whose masks it means."""
    source = sources[wanted]
    region = prompting.regions[source.number]
    others = [prompting.regions[s.number] for n, s in enumerate(sources) if n != wanted]
    alone = bool(region) and all(other and not region & other for other in others)
    by_thing = short(source.text, rng)
    if alone and prompts.names_anatomy(by_thing) and not prompts.names_absence(source.text) and rng.random() < 0.5:
        return by_thing, [wanted]
    same = len({s.number for s in sources}) == 1 and len({s.thing for s in sources}) == 1
    sizes = size_order([int(tile.mask.sum()) for tile in tiles]) if same else None
    if sizes is not None and rng.random() < 0.5:
        larger = rng.random() < 0.5
        return size_prompt(source.thing, larger, rng), [sizes[0] if larger else sizes[1]]
    return place_prompt(source.thing, tiles[wanted].name, rng), [wanted]
