"""Whether a model says the same when it is asked in other words; costs a few passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..knowledge.understanding import Understanding


class Ask(Protocol):
    """One more pass with the noise at its mean."""

    def __call__(self, words: str, index: int, scale: float = 1.0) -> NDArray[np.float32]:
        """Probability (H, W) of a slice, as :class:`SliceAxis` displays it.

        Args:
            words: to ask with.
            index: of the slice.
            scale: of the side of the model input, 0…1, where the model takes other sizes: a pass at half of it costs
                a quarter.
        """
        ...


Masks = Mapping[int, NDArray[np.bool_]]
"""Masks (H, W) by the index of their slice."""
LEAST_ISLAND = 0.1
"""Share of a mask from which a piece of it may be the one that is meant."""
SMALL = 0.5
"""Scale of the pass that asks for the thing alone. It looks at everything anew, and costs 6 % of ten samples."""


def agreement(asked: Understanding, masks: Masks, ask: Ask) -> dict[str, float]:
    """Compare an answer with that to the thing alone, in a pass on a smaller image.

    Args:
        asked: the prompt.
        masks: the answer, on the slices to look at.
        ask: one more pass.

    Returns:
        "agreement": mean probability (0…1) of the thing inside the mask; of an empty answer, 1 − its largest
        probability. None without a thing, nor where nothing is found of a thing of other kinds of image, or of the
        thing alone.
    """
    is_empty = not any(mask.any() for mask in masks.values())
    if asked.thing is None or (is_empty and (asked.known_on or asked.thing == asked.asked)):
        return {}
    alone = {index: ask(asked.thing, index, SMALL) for index in masks}
    if is_empty:
        return {"agreement": 1 - max(float(probability.max()) for probability in alone.values())}
    inside = np.concatenate([alone[index][mask] for index, mask in masks.items()])
    return {"agreement": float(inside.mean(dtype=np.float64))}


def kept_in_place(asked: Understanding, masks: Masks, threshold: float, ask: Ask) -> dict[str, float]:
    """Compare an answer with that to the prompt without its words of place.

    Args:
        asked: the prompt.
        masks: the answer, on the slices to look at.
        threshold: of the masks.
        ask: one more pass.

    Returns:
        "place": of the mask without the words of place, the share (0…1) of an island that the answer keeps, for the
        island it keeps best; 1 when that mask is empty. None without such words.
    """
    if asked.without_place in ("", asked.asked):
        return {}
    parts = [_kept(mask, ask(asked.without_place, index) > threshold) for index, mask in masks.items()]
    whole = sum(pixels for _, pixels in parts)
    return {"place": sum(kept for kept, _ in parts) / whole if whole else 1.0}


def _kept(mask: NDArray[np.bool_], everywhere: NDArray[np.bool_]) -> tuple[int, int]:
    """Pixels that a mask keeps of the island it keeps best, and all pixels of that island.

    A place that tells which of several islands is meant keeps one of them whole.
    """
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(everywhere.astype(np.uint8), connectivity=8)
    pixels = statistics[1:, cv2.CC_STAT_AREA].astype(np.int64)
    if not len(pixels):
        return 0, 0
    kept = np.bincount(labels[mask], minlength=count)[1:]
    best = int(np.argmax(np.where(pixels >= LEAST_ISLAND * pixels.sum(), kept / pixels, -1)))
    return int(kept[best]), int(pixels[best])
