"""What an image looks like to a model, before any prompt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageSight:
    """Kind of an image, as far as it can be told.

    Args:
        kind: the known kind it looks most like; None where nobody can tell.
        looks_like: what it looks like, for people, such as "chest X-ray"; empty where nobody can tell.
        foreign: how sure it is that the image is of no known kind, 0…1; None where nobody can tell.
        is_foreign: ``foreign`` is beyond its limit.
    """

    kind: str | None = None
    looks_like: str = ""
    foreign: float | None = None
    is_foreign: bool = False
