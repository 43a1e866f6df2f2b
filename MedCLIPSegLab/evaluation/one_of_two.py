"""Cases in which only the text says which of two things is meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.datasets.sheets import SheetRow
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

from ..data import prompt_words
from ..data.prompt_sheets import PromptSheet
from ..data.rewording import fill, thing
from ..data.wordings import wordings
from ..metrics import dice_score
from ..training.composition import OTHER, Tile, arrange, one_of_several, size_order

MOSAIC_SIZE = 384
"""Side of the mosaics in pixels."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Choice:
    """One case.

    Args:
        kind: "mosaic" (two pictures of a set in one, told apart by place), "larger" or "smaller" (the same, by the size
            of what they show), "several" (two findings of a picture, by place or size) or "part" (things of one image
            by their names).
        image: what it is made of.
        prompt: in a wording held out from training.
        volume: the image.
        wanted, other: (K, J, I) masks of what the prompt means and of what it does not.
    """

    kind: str
    image: str
    prompt: str
    volume: Volume
    wanted: Mask
    other: Mask

    def is_right(self, mask: Mask) -> bool:
        """True if a mask (K, J, I) overlaps what is meant, and more than the other, by Dice."""
        wanted = dice_score(mask, self.wanted) if mask.any() else 0.0
        return wanted > 0 and wanted > dice_score(mask, self.other)


def find_choices(sheet: PromptSheet, limit: int | None = None) -> Iterator[Choice]:
    """All choices a sheet of original prompts offers.

    Args:
        sheet: of one set.
        limit: first rows only; None for all.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or a mask does not fit its image.
    """
    rows = sheet.rows(limit)
    yield from _parts(sheet, rows)
    pictures = [_picture(sheet, row) for row in rows if not prompt_words.names_absence(row.description)]
    seen = [picture for picture in pictures if picture is not None and picture.tile.mask.any()]
    yield from _several(seen)
    yield from _mosaics(seen)


def _parts(sheet: PromptSheet, rows: Sequence[SheetRow]) -> Iterator[Choice]:
    """Rows of one image that name things which do not overlap."""
    by_image: dict[str, list[SheetRow]] = defaultdict(list)
    for row in rows:
        by_image[row.image].append(row)
    for image, together in by_image.items():
        if len(together) < 2:
            continue
        volume = sheet.image(together[0])
        truths = [(row, sheet.truth(row, volume)) for row in together]
        for (row, wanted), (rival, other) in permutations(truths, 2):
            asked = thing(row.description)
            if wanted.any() and other.any() and not (wanted & other).any() and asked != thing(rival.description):
                yield Choice("part", image, asked, volume, wanted, other)


@dataclass(frozen=True, eq=False)
class _Picture:
    name: str
    thing: str
    tile: Tile


def _picture(sheet: PromptSheet, row: SheetRow) -> _Picture | None:
    """An image as a square tile; None for volumes."""
    volume = sheet.image(row)
    if not volume.is_single_slice:
        return None
    truth = sheet.truth(row, volume)
    pixels = resolve(default_rule(volume), volume).apply(volume.voxels[0])
    color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    size = (MOSAIC_SIZE, MOSAIC_SIZE)
    image = np.asarray(cv2.resize(color, size, interpolation=cv2.INTER_AREA), np.uint8)
    mask = np.asarray(cv2.resize(truth[0].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return _Picture(row.image, thing(row.description), Tile(image, mask))


def _several(pictures: Sequence[_Picture]) -> Iterator[Choice]:
    held_out = wordings().unseen_one_of_several
    for number, picture in enumerate(pictures):
        asked = one_of_several(picture.tile.mask, picture.thing, np.random.default_rng(number), held_out)
        if asked is not None:
            text, labels = asked
            yield _choice("several", picture.name, text, picture.tile.image, labels == 1, labels == OTHER)


def _mosaics(pictures: Sequence[_Picture]) -> Iterator[Choice]:
    """Every picture beside, or above, the next one, asked for by place, and by size where that tells them apart."""
    by_place, by_size = wordings().unseen_mosaic, wordings().unseen_one_of_several
    for number, (first, second) in enumerate(zip(pictures, [*pictures[1:], *pictures[:1]], strict=True)):
        if first is second:
            continue
        layout, turn = ("row", "column")[number % 2], number // 2 % 2
        mosaic, tiles = arrange([first.tile, second.tile], "row" if layout == "row" else "column", padded=False)
        masks = [tile.mask > 0 for tile in tiles]
        name = f"{first.name} and {second.name}"
        template = by_place[number % len(by_place)].replace("{place}", tiles[turn].name)
        text = fill(template, (first, second)[turn].thing)
        yield _choice("mosaic", name, text, mosaic, masks[turn], masks[1 - turn])
        order = size_order([int(mask.sum()) for mask in masks])
        if order is not None and first.thing == second.thing:
            word = ("larger", "smaller")[turn]
            text = fill(by_size[word][number % len(by_size[word])], first.thing)
            yield _choice(word, name, text, mosaic, masks[order[turn]], masks[order[1 - turn]])


def _choice(kind: str, name: str, text: str, pixels: NDArray[np.uint8], wanted: Mask, other: Mask) -> Choice:
    volume = Volume(np.ascontiguousarray(pixels)[None], PICTURE_IJK_TO_RAS.copy(), name, spacing_known=False)
    return Choice(kind, name, text, volume, wanted[None], other[None])
