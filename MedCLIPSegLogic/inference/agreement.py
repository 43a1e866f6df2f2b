"""Whether a model says the same when it is asked in other words; costs a few passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


LEAST_ISLAND = 0.1
"""Share of a mask from which a piece of it may be the one that is meant."""
SMALL = 0.5
"""Scale of the pass that asks for the thing alone. It looks at everything anew, and costs 6 % of ten samples."""


def agreement(
    asked: Understanding, slices: Sequence[int], mask: Callable[[int], NDArray[np.bool_]], threshold: float, ask: Ask
) -> dict[str, float]:
    """Compare an answer with those to other words for the same thing.

    Args:
        asked: the prompt.
        slices: to look at.
        mask: of a slice (H, W), by its index.
        threshold: of the mask.
        ask: one more pass.

    Returns:
        "agreement": mean probability (0…1) inside the mask when the thing alone is asked for; of an empty answer,
        1 − the largest probability. "place": of the mask without the words of place, the share (0…1) of an island
        that the answer keeps, for the island it keeps best; 1 when that mask is empty. Each where there are such words.
    """
    masks = {index: mask(index) for index in slices}
    is_empty = not any(inside.any() for inside in masks.values())
    signs = {}
    if asked.thing is not None:
        alone = {index: ask(asked.thing, index, SMALL) for index in slices}
        if is_empty:
            signs["agreement"] = 1 - max(float(probability.max()) for probability in alone.values())
        else:
            inside = np.concatenate([alone[index][masks[index]] for index in slices])
            signs["agreement"] = float(inside.mean(dtype=np.float64))
    if asked.without_place not in ("", asked.asked):
        parts = [_kept(masks[index], ask(asked.without_place, index) > threshold) for index in slices]
        whole = sum(pixels for _, pixels in parts)
        signs["place"] = sum(kept for kept, _ in parts) / whole if whole else 1.0
    return signs


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
