"""Connected parts of a coarse mask, and which of them are objects."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .rules import ComponentRule


@dataclass(frozen=True, eq=False)
class Component:
    """A connected part.

    Args:
        mask: (H, W) bool.
        box: (left, top, right, bottom) in pixels; right and bottom are the last column and row inside.
        area: pixels.
        confidence: mean saliency inside, 0…1.
    """

    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    area: int
    confidence: float


def find_components(mask: NDArray[np.bool_], saliency: NDArray[np.float32], rule: ComponentRule) -> list[Component]:
    """The parts of a mask (8 neighbors) that a rule keeps, the largest first.

    Args:
        mask: (H, W).
        saliency: (H, W), 0…1.
        rule: which to keep.
    """
    count, labels, measures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sums = np.bincount(labels.ravel(), saliency.ravel(), count)
    areas = measures[:, cv2.CC_STAT_AREA]
    kept = [n for n in range(1, count) if sums[n] / areas[n] >= rule.confidence]
    kept.sort(key=lambda n: (-areas[n], n))
    found = []
    for number in kept[: rule.most]:
        left, top, width, height = (int(value) for value in measures[number, :4])
        found.append(
            Component(
                labels == number,
                (left, top, left + width - 1, top + height - 1),
                int(areas[number]),
                float(sums[number] / areas[number]),
            )
        )
    return found


def only_within(score: NDArray[np.float32], parts: list[Component], at_most: float) -> NDArray[np.float32]:
    """The score with no more than ``at_most`` outside the parts, so that a threshold there leaves the parts alone."""
    inside = np.zeros(score.shape, np.bool_)
    for part in parts:
        inside |= part.mask
    return np.where(inside, score, np.minimum(score, np.float32(at_most)))
