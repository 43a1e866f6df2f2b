"""Islands of a mask, its connected parts: which are kept, and what is removed. Imports neither torch nor pydantic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError, quoted

ALL: Literal["all"] = "all"
LARGEST: Literal["largest"] = "largest"
IslandRule = Literal["all", "largest"] | float
"""All islands, the largest one, or those of at least so many mm² of a single slice, mm³ of a volume, and pixels or
voxels where nobody measured their size (see ``Volume.voxel_measure``)."""
MOST_SIZES = 100
"""Sizes of removed islands that a record holds."""
ROUNDING = 1e-9
"""Share by which a size may fall short by rounding."""


def check_island_rule(rule: object) -> IslandRule:
    """A rule from a word or a number, also as text.

    Raises:
        MedCLIPSegError: it is neither.
    """
    text = str(rule).strip()
    if text == ALL:
        return ALL
    if text == LARGEST:
        return LARGEST
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if isinstance(rule, bool) or not 0 < size < math.inf:
        raise MedCLIPSegError(
            f"The islands to keep are {quoted(rule)}; they must be {ALL}, {LARGEST}, or a number above 0, the least "
            "size in mm², in mm³ for a volume, or in pixels or voxels where their size is not known."
        )
    return size


def remove_islands(mask: NDArray[Any], rule: IslandRule, voxel_size: float) -> tuple[int, ...]:
    """Remove the islands of a mask, in place, that a rule does not keep.

    Voxels that touch at a corner belong together: 26 neighbors, in a single slice 8. Of several largest islands the
    first is kept, by the order of the voxels.

    Args:
        mask: (K, J, I) of bool, or of 0 and 1.
        rule: which are kept.
        voxel_size: of a voxel, in the unit of the rule.

    Returns:
        Voxels of each removed island, the largest first.
    """
    from scipy import ndimage

    if rule == ALL:
        return ()
    [box] = ndimage.find_objects(mask.view(np.uint8), max_label=1)
    if box is None:
        return ()
    part = mask[box]
    labels, _ = ndimage.label(part, np.ones((3, 3, 3)))
    sizes = np.bincount(labels[labels > 0])
    if rule == LARGEST:
        kept = np.arange(len(sizes)) == sizes.argmax()
    else:
        kept = sizes * voxel_size >= float(rule) * (1 - ROUNDING)
    part &= kept[labels]
    return tuple(sorted(sizes[~kept & (sizes > 0)].tolist(), reverse=True))


def rules_record(rules: Sequence[IslandRule], unit: str) -> dict[str, Any]:
    """Rules ready for JSON: ``keep``, one for all prompts or one of each, and the ``unit`` of sizes, None without."""
    return {
        "keep": rules[0] if len(set(rules)) == 1 else list(rules),
        "unit": unit if any(isinstance(rule, float) for rule in rules) else None,
    }


def removed_record(sizes: Sequence[int]) -> dict[str, Any]:
    """Removed islands ready for JSON: ``count``, ``voxels`` of all, and ``sizes`` in voxels of the largest hundred."""
    return {"count": len(sizes), "voxels": sum(sizes), "sizes": list(sizes[:MOST_SIZES])}
