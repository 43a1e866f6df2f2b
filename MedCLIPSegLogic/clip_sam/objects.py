"""Connected parts of a coarse mask, which of them are objects, and boxes and points that tell SAM where they are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .rules import ComponentRule, PromptRule


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
    box: tuple[float, float, float, float]
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
        left, top, width, height = (float(value) for value in measures[number, :4])
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


@dataclass(frozen=True, eq=False)
class ObjectPrompt:
    """What SAM is told of one object, in pixels of the slice: the center of the first pixel is (0, 0).

    Args:
        box: (left, top, right, bottom), or None.
        points: (n, 2) columns and rows of points inside; empty for none.
    """

    box: tuple[float, float, float, float] | None
    points: NDArray[np.float32]


def point_out(component: Component, rule: PromptRule, seed: tuple[int, ...]) -> ObjectPrompt:
    """The prompt for one object.

    Args:
        component: the object.
        rule: how.
        seed: of the choice of points; the same seed chooses the same points.
    """
    box = _box(component, rule.padding) if rule.kind != "points" else None
    points = _points(component, rule, seed) if rule.kind != "box" else np.zeros((0, 2), np.float32)
    return ObjectPrompt(box, points)


def _box(component: Component, padding: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = component.box
    height, width = component.mask.shape
    wider, taller = padding * (right - left + 1), padding * (bottom - top + 1)
    return (
        max(0.0, left - wider),
        max(0.0, top - taller),
        min(width - 1.0, right + wider),
        min(height - 1.0, bottom + taller),
    )


def _points(component: Component, rule: PromptRule, seed: tuple[int, ...]) -> NDArray[np.float32]:
    """Drawn uniformly without replacement, fewer from an object with fewer pixels."""
    left, top, right, bottom = component.box
    margin = round(rule.padding * min(right - left + 1, bottom - top + 1))
    inside = _shrunk(component.mask, margin) if margin else component.mask
    rows, columns = np.nonzero(inside)
    chosen = np.random.default_rng(seed).choice(len(rows), min(rule.points, len(rows)), replace=False)
    return np.column_stack([columns[chosen], rows[chosen]]).astype(np.float32)


def _shrunk(mask: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    """Pixels farther than ``margin`` from the outside; the whole mask when there are none."""
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1] > margin
    return inside if inside.any() else mask
