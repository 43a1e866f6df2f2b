"""The parts a prompt is built of, and which of them a model knows on a kind of image."""

from __future__ import annotations

from dataclasses import dataclass

from .known import Knowledge


@dataclass(frozen=True)
class PromptParts:
    """What a prompt is to say; an empty text leaves a part out.

    Args:
        thing: what to look for, such as "tumor".
        count: such as "one".
        size: such as "small".
        color: such as "pink".
        shape: such as "oval".
        place: such as "top left", as the slice is drawn.
    """

    thing: str
    count: str = ""
    size: str = ""
    color: str = ""
    shape: str = ""
    place: str = ""


@dataclass(frozen=True)
class PartChoices:
    """Values for the parts of a prompt that a model saw in training on a kind of image.

    Args:
        things: the best first.
        counts, sizes, colors, shapes, places: in their natural order.
    """

    things: tuple[str, ...]
    counts: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def choices_of(knowledge: Knowledge, kind: str | None) -> PartChoices:
    """What can be chosen for prompts on a kind of image; of all kinds for None."""
    return PartChoices(tuple(knowledge.things_of(kind)))
