"""Signs of an answer by which it can be told whether to trust it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..knowledge.answer import THING_SIGN, is_in_doubt
from ..knowledge.known import Knowledge
from ..knowledge.understanding import Understanding
from ..volumes.planes import SliceAxis
from .agreement import Ask, agreement, kept_in_place
from .maps import PromptMaps, SliceTally
from .outline import Outline

MOST_SLICES = 3
"""Slices on which a volume's answer is asked again, those with the largest masks."""
PLACE_MARGIN = 0.1
"""Expected Dice above the limit up to which the place is asked for: all bad answers to wrong places, a quarter of the
good ones."""


def answer_signs(
    maps: PromptMaps,
    axis: SliceAxis,
    asked: Understanding | None,
    knowledge: Knowledge | None,
    kind: str | None,
    ask: Ask,
) -> dict[str, float]:
    """Measure an answer.

    Args:
        maps: of the prompt, all slices done.
        axis: the slicing.
        asked: the prompt; None for a model without knowledge.
        knowledge: of the model; None when it has none.
        kind: of the image; None where nobody can tell.
        ask: one more pass.

    Returns:
        Signs by name, none where nothing was segmented. Those of the whole answer: "certainty", the mean probability
        inside the mask (0 when it is empty); "highest" probability; "neighbors", the Dice (0…1) of the masks of
        neighboring slices, in a volume; "planes", that of the masks of the planes, where they were fused and one of
        them outlines something. Those of the slice with the largest mask, or with the most probability if it is empty:
        "extent", the mean probability; and unless it is empty "area", "compactness", "border" and "largest_island" as
        in :class:`Outline`. Then 1 for the thing, see :data:`THING_SIGN`, and those of :func:`agreement`, where they
        can make the answer doubtful, and of :func:`kept_in_place`, where it nearly is.
    """
    tallies = maps.tallies
    if not tallies:
        return {}
    order = sorted(tallies, key=lambda index: (-tallies[index].voxels_inside, -_probability(tallies[index]), index))
    first = tallies[order[0]]
    inside = sum(tally.voxels_inside for tally in tallies.values())
    signs = {
        "certainty": sum(tally.probability_inside for tally in tallies.values()) / inside if inside else 0.0,
        "highest": max(tally.highest for tally in tallies.values()),
        "extent": _probability(first) / (first.voxels_inside + first.voxels_outside),
        "area": 0.0,
    }
    if maps.plane_agreement is not None:
        signs["planes"] = maps.plane_agreement

    def mask(index: int) -> NDArray[np.bool_]:
        return axis.extract(maps.mask, index).astype(np.bool_)

    if inside:
        outline = Outline.of(mask(order[0]))
        signs["area"] = outline.area
        signs["compactness"] = outline.compactness
        signs["border"] = outline.border
        signs["largest_island"] = outline.largest_island
        signs |= _neighbors(tallies, mask)
    if asked is not None:
        if asked.thing is not None:
            signs[THING_SIGN + asked.thing] = 1.0
        masks = {index: mask(index) for index in order[:MOST_SLICES]}
        if is_in_doubt(signs | {"agreement": 0.0}, knowledge):
            signs |= agreement(asked, masks, ask)
        if is_in_doubt(signs, knowledge, PLACE_MARGIN):
            signs |= kept_in_place(asked, masks, maps.threshold, ask)
    return signs


def _probability(tally: SliceTally) -> float:
    return tally.probability_inside + tally.probability_outside


def _neighbors(tallies: Mapping[int, SliceTally], mask: Callable[[int], NDArray[np.bool_]]) -> dict[str, float]:
    """Dice of all masks with their neighbors together; none where no slice with a mask has a neighbor."""
    common = voxels = 0
    pairs = [index for index in tallies if index + 1 in tallies]
    for index in pairs:
        here, next_one = tallies[index].voxels_inside, tallies[index + 1].voxels_inside
        voxels += here + next_one
        if here and next_one:
            common += int((mask(index) & mask(index + 1)).sum())
    return {"neighbors": 2 * common / voxels} if voxels else {}
