"""How a prompt that somebody began to type may go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from .known import Knowledge
from .prompt_parts import PromptParts, choices_of
from .prompt_sentence import sentence
from .understanding import understand
from .vocabulary import vocabulary
from .words import words_of


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
    yield from choices.thing
    if beginning.strip():
        yield from words.understood
    before, _, last = beginning.rpartition(" ")
    if before and last:  # the last word goes on within what was typed before it
        typed = set(words_of(before))
        parts = (choices.count, choices.size, choices.color, choices.shape, choices.place)
        values = [value for part in parts if typed.isdisjoint(part) for value in part]
        yield from (f"{before} {value}" for value in (*words.understood, *values) if value.startswith(last.casefold()))
    for text, thing in _sentences(knowledge, kind):
        if thing in beginning.casefold():
            yield text
    yield from history


@lru_cache(maxsize=64)
def _sentences(knowledge: Knowledge, kind: str | None) -> tuple[tuple[str, str], ...]:
    """Sentences in the style of training, and what must be typed before one is worth to be shown."""
    things = choices_of(knowledge, kind).thing
    found = [(sentence(PromptParts(thing), knowledge, kind), "") for thing in things]
    for each in vocabulary(knowledge, kind).kinds:
        readings = [understand(example, knowledge, kind) for example in knowledge.kinds[each].prompts]
        found += [(reading.prompt, "") for reading in readings if reading.is_understood and not reading.denies]
    for place in choices_of(knowledge, kind).place:
        found += [(sentence(PromptParts(thing, place=place), knowledge, kind), thing) for thing in things]
    return tuple(found)
