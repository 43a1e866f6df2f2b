"""How a prompt that somebody began to type may go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .known import Knowledge
from .prompt_parts import PromptParts, choices_of
from .prompt_sentence import sentence
from .vocabulary import vocabulary


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
    typed = " ".join(beginning.split()).casefold()
    if typed and beginning[-1:].isspace():
        typed += " "
    found: dict[str, str] = {}
    for text in _candidates(beginning, knowledge, kind, history):
        key = text.casefold()
        if key.startswith(typed) and key != typed.strip():
            found.setdefault(key, text)
        if len(found) == most:
            break
    return tuple(found.values())


def _candidates(beginning: str, knowledge: Knowledge, kind: str | None, history: Sequence[str]) -> Iterator[str]:
    words, choices = vocabulary(knowledge, kind), choices_of(knowledge, kind)
    names = [*choices.thing, *words.understood]
    yield from names
    # The last word goes on within what was typed before it.
    before, _, last = beginning.rpartition(" ")
    if before and last:
        for value in (*names, *choices.count, *choices.size, *choices.color, *choices.shape, *choices.place):
            if value.startswith(last.casefold()):
                yield f"{before} {value}"
    for thing in choices.thing:
        yield sentence(PromptParts(thing), knowledge, kind)
        for place in choices.place:
            yield sentence(PromptParts(thing, place=place), knowledge, kind)
    for each in words.kinds:
        yield from knowledge.kinds[each].prompts
    yield from history
