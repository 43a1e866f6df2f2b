"""The parts a prompt is built of, and which of them a model knows on a kind of image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache

from ..errors import MedCLIPSegError, listed, quoted
from .grammar import grammar
from .known import Knowledge
from .places import NINTHS
from .spelling import plural
from .vocabulary import Vocabulary, vocabulary
from .words import words_of

HEIGHTS = {"top": "upper", "bottom": "lower"}
"""Words of place that mean the same."""


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
        thing: the best understood first.
        count, size, color, shape, place: in their natural order.
    """

    thing: tuple[str, ...]
    count: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    color: tuple[str, ...] = ()
    shape: tuple[str, ...] = ()
    place: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def choices_of(knowledge: Knowledge, kind: str | None) -> PartChoices:
    """What can be chosen for prompts on a kind of image; of all kinds for None."""
    words = vocabulary(knowledge, kind)
    examples = {word for each in words.kinds for prompt in knowledge.kinds[each].prompts for word in words_of(prompt)}

    def trained(values: Iterable[str]) -> tuple[str, ...]:
        return tuple(value for value in values if value in examples or words.standing(value) == "here")

    places = {height for height, other in HEIGHTS.items() if trained((height, other))}
    places |= set(trained(("left", "right", "center")))
    return PartChoices(
        thing=tuple(dict.fromkeys(words.understood.values())),
        count=tuple(count for count in trained(grammar().count) if count == "one" or _has_plural(words)),
        size=trained(grammar().size),
        color=trained(grammar().color),
        shape=trained(grammar().shape),
        place=tuple(place for place in NINTHS if places.issuperset(place.split())),
    )


def _has_plural(words: Vocabulary) -> bool:
    """Whether any thing is understood in the plural."""
    return any(plural(thing) in words.understood for thing in words.understood.values())


def check_parts(parts: PromptParts, choices: PartChoices) -> None:
    """Refuse what a model does not know.

    Raises:
        MedCLIPSegError: a part is not among the choices; the sentence lists them.
    """
    for part in fields(parts):
        value, known = getattr(parts, part.name), getattr(choices, part.name)
        if value not in known and (value or part.name == "thing"):
            hint = f"choose {listed(known)}" if known else "leave it out"
            raise MedCLIPSegError(
                f"The model does not know the {part.name} “{quoted(value)}” on this kind of image; {hint}."
            )
