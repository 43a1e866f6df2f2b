"""Signs of an answer that tell whether it is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping

from .known import Knowledge
from .verdict import Doubt


def thing_sign(thing: str) -> str:
    """Name of the sign that is 1 for answers to prompts that name a known thing."""
    return f"thing {thing}"


def expected_dice(signs: Mapping[str, float], knowledge: Knowledge | None) -> float | None:
    """Dice to be expected of a mask with such signs, 0…1; None where the model's knowledge has no rule for it."""
    return None


def doubts(signs: Mapping[str, float], knowledge: Knowledge | None, kind: str | None) -> tuple[Doubt, ...]:
    """Why an answer with such signs is doubtful; empty when it is not."""
    return ()
