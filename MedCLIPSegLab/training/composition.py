"""Pictures in which only the text says what is meant: mosaics, and one of several findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data import prompt_words
from ..data.rewording import fill, short
from ..data.wordings import wordings
from .augment import augment
from .data import TrainingItem
from .prompting import Prompting, choose
from .settings import Composition

MIN_RATIO = 1.5
"""Areas must differ by this factor to be told apart by a word of size."""
MIN_SLOPE = 2.0
"""Centers must lie apart this much more along one axis than along the other, so that a rotation keeps their order."""
MIN_PART = 0.002
"""Share of the picture a finding must cover to be asked for alone."""
Mask = NDArray[np.uint8]
Picture = NDArray[np.uint8]
OTHER = 2
"""Label of the findings that are not asked for; 1 is the one that is."""
Draw = Callable[[np.random.Generator, int | None], tuple[int, TrainingItem, str, Mask]]
"""A random set number, item, prompt and mask; the set may be given."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One image of a mosaic.

    Args:
        image: (S, S, 3) uint8, augmented.
        mask: (S, S), 0 and 1.
        name: words of place such as "left" or "upper right"; set by :func:`arrange`.
        box: (top, left, height, width) in the mosaic.
    """

    image: Picture
    mask: Mask
    name: str = ""
    box: tuple[int, int, int, int] = (0, 0, 0, 0)


Layout = Literal["row", "column", "grid"]
_CELLS: dict[Layout, tuple[tuple[str, int, int], ...]] = {
    "row": (("left", 0, 0), ("right", 0, 1)),
    "column": (("upper", 0, 0), ("lower", 1, 0)),
    "grid": (("upper left", 0, 0), ("upper right", 0, 1), ("lower left", 1, 0), ("lower right", 1, 1)),
}


def arrange(tiles: list[Tile], layout: Layout, padded: bool) -> tuple[Picture, list[Tile]]:
    """Lay images out in one picture of their own size.

    Args:
        tiles: as many as the layout has cells, all of one size S.
        layout: side by side, one above the other, or two by two.
        padded: keep the shape of the images of a layout of two, on black.

    Returns:
        (S, S, 3) uint8 and the tiles with name and box, their masks (S, S) on the mosaic.
    """
    size = tiles[0].image.shape[0]
    half = size // 2
    height = size if layout == "row" and not padded else half
    width = size if layout == "column" and not padded else half
    picture = np.zeros((size, size, 3), np.uint8)
    placed = []
    for tile, (name, row, column) in zip(tiles, _CELLS[layout], strict=True):
        top = row * half if layout != "row" else (size - height) // 2
        left = column * half if layout != "column" else (size - width) // 2
        picture[top : top + height, left : left + width] = cv2.resize(
            tile.image, (width, height), interpolation=cv2.INTER_AREA
        )
        mask = np.zeros((size, size), np.uint8)
        mask[top : top + height, left : left + width] = cv2.resize(
            tile.mask, (width, height), interpolation=cv2.INTER_NEAREST
        )
        placed.append(Tile(tile.image, mask, name, (top, left, height, width)))
    return picture, placed


def size_order(areas: list[int]) -> tuple[int, int] | None:
    """(larger, smaller) of two areas that clearly differ; None for any others."""
    if len(areas) != 2 or min(areas) == 0 or max(areas) < MIN_RATIO * min(areas):
        return None
    larger = int(np.argmax(areas))
    return larger, 1 - larger


def one_of_several(
    mask: Mask, thing: str, rng: np.random.Generator, templates: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, Mask] | None:
    """Ask for one of two findings by place or size.

    Args:
        mask: (S, S), 0 and 1.
        thing: what the findings are.
        rng: the only source of chance.
        templates: wordings by place and size; None for those to train with.

    Returns:
        The prompt and labels (S, S): 1 for the finding asked for, 2 for the other; None when the mask does not hold
        exactly two findings that a word tells apart.
    """
    count, labels, stats, centers = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = [number for number in range(1, count) if areas[number - 1] >= MIN_PART * mask.size]
    if len(large) != 2:
        return None
    first, second = large
    ways: list[tuple[str, int]] = []
    dx, dy = centers[second] - centers[first]
    if abs(dx) > MIN_SLOPE * abs(dy):
        left, right = (first, second) if dx > 0 else (second, first)
        ways += [("left", left), ("right", right)]
    elif abs(dy) > MIN_SLOPE * abs(dx):
        top, bottom = (first, second) if dy > 0 else (second, first)
        ways += [("top", top), ("bottom", bottom)]
    order = size_order([int(areas[number - 1]) for number in large])
    if order is not None:
        ways += [("larger", large[order[0]]), ("smaller", large[order[1]])]
    if not ways:
        return None
    word, wanted = ways[int(rng.integers(len(ways)))]
    chosen = np.where(labels == wanted, 1, np.where(mask > 0, OTHER, 0)).astype(np.uint8)
    return fill(str(rng.choice((templates or wordings().one_of_several)[word])), thing), chosen


def still_apart(labels: Mask, before: Mask) -> bool:
    """True if both findings are still mostly in the picture after an augmentation.

    Args:
        labels: (S, S), after it.
        before: labels before it, of any size; shares of the picture are compared.
    """
    return all((labels == label).mean() >= 0.5 * (before == label).mean() for label in (1, OTHER))


class _Source(NamedTuple):
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
    layout = choose(tuple(_CELLS), rng)
    sources: list[_Source] = []
    tiles: list[Tile] = []
    alike = rng.random() < composition.alike
    for _ in range(len(_CELLS[layout])):
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
    is_named = prompt_words.names_anatomy(by_thing) and not prompt_words.names_absence(source.text)
    if alone and is_named and rng.random() < 0.5:
        return by_thing, [wanted]
    same = len({s.number for s in sources}) == 1 and len({s.thing for s in sources}) == 1
    sizes = size_order([int(tile.mask.sum()) for tile in tiles]) if same else None
    if sizes is not None and rng.random() < 0.5:
        word, chosen = ("larger", sizes[0]) if rng.random() < 0.5 else ("smaller", sizes[1])
        return fill(choose(wordings().one_of_several[word], rng), source.thing), [chosen]
    template = choose(wordings().mosaic, rng).replace("{place}", tiles[wanted].name)
    return fill(template, source.thing), [wanted]
