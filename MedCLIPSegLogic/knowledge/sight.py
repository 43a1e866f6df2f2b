"""What an image looks like to a model, before any prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

SURE = 0.85
"""Probability of a kind from which on it is clear; of images of known kinds one in twenty stays below."""


@dataclass(frozen=True)
class ImageSight:
    """Kind of an image, as far as it can be told.

    Args:
        kind: the known kind it looks most like; None where nobody can tell.
        looks_like: what it looks like, for people, such as "chest X-ray"; empty where nobody can tell.
        foreign: how sure it is that the image is of no known kind, 0…1; None where nobody can tell.
        is_foreign: ``foreign`` is beyond its limit.
        sure: how sure it is that the image is of this kind, 0…1; None where nobody can tell.
    """

    kind: str | None = None
    looks_like: str = ""
    foreign: float | None = None
    is_foreign: bool = False
    sure: float | None = None

    @property
    def is_clear(self) -> bool:
        """The kind is known well enough to say that something cannot be on it."""
        return self.kind is not None and self.looks_like == self.kind and (self.sure is None or self.sure >= SURE)

    def record(self) -> dict[str, Any]:
        """What ``run.json`` holds of it."""
        return {name: value if value != "" else None for name, value in vars(self).items()}


def seen_together(sights: Sequence[ImageSight]) -> ImageSight:
    """The sight of a volume by that of some slices, at least one: the middle one, of the kind most of them have.

    The middle one of two is the more familiar one, so that a volume is foreign when most of its slices are.
    """
    ranked = sorted(sights, key=lambda sight: (sight.is_foreign, sight.foreign or 0.0))
    middle = ranked[(len(ranked) - 1) // 2]
    like_it = [(sight.kind, sight.looks_like) for sight in sights if sight.is_foreign == middle.is_foreign]
    [((kind, looks_like), _)] = Counter(like_it).most_common(1)
    return replace(middle, kind=kind, looks_like=looks_like)
