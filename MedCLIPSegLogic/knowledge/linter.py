"""One line on what a model will make of a prompt, while it is typed."""

from __future__ import annotations

from dataclasses import dataclass

from .known import Knowledge


@dataclass(frozen=True)
class Remark:
    """A remark on a prompt.

    Args:
        text: one short line.
        spans: where the words it is about stand in the prompt, start and exclusive end.
        suggestion: a prompt to ask instead; empty for none.
    """

    text: str
    spans: tuple[tuple[int, int], ...] = ()
    suggestion: str = ""


def lint(text: str, knowledge: Knowledge, kind: str | None) -> Remark | None:
    """The most important remark on a prompt; None when there is nothing to say.

    Args:
        text: as typed so far; its last word may be unfinished.
        knowledge: of the model.
        kind: of the image; None where nobody can tell.
    """
    return None
