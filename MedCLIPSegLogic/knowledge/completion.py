"""How a prompt that somebody began to type may go on."""

from __future__ import annotations

from collections.abc import Sequence

from .known import Knowledge


def complete(
    beginning: str, knowledge: Knowledge, kind: str | None, history: Sequence[str] = (), most: int = 8
) -> tuple[str, ...]:
    """Whole prompts that begin as typed: things, then sentences in the style of training, then one's own history.

    Args:
        beginning: as typed so far; nothing is a beginning too.
        knowledge: of the model.
        kind: of the image; None where nobody can tell.
        history: earlier prompts, the latest first.
        most: how many.
    """
    found = [*knowledge.things_of(kind), *history]
    return tuple(text for text in found if text.lower().startswith(beginning.lower()))[:most]
