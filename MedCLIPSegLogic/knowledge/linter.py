"""One line on what a model will make of a prompt, while it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import listed, quoted
from .grammar import grammar
from .known import Knowledge
from .places import PLACES
from .reading import Reading, read
from .understanding import Understanding, understand
from .vocabulary import Vocabulary, vocabulary

OBEYS = 0.75
"""Share of prompts of which the place must be obeyed, or a word of place gets a remark."""
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Remark:
    """A remark on a prompt.

    Args:
        text: one short line.
        spans: where the words it is about stand in the prompt, start and exclusive end.
        suggestion: a prompt to ask instead; empty for none.
    """

    text: str
    spans: Spans = ()
    suggestion: str = ""


def lint(text: str, knowledge: Knowledge, kind: str | None) -> Remark | None:
    """The most important remark on a prompt; None when there is nothing to say.

    Args:
        text: as typed so far; its last word may be unfinished.
        knowledge: of the model.
        kind: of the image; None where nobody can tell.
    """
    words = vocabulary(knowledge, kind)
    reading = read(text, words)
    if not reading.words or _goes_on(reading, words):
        return None
    found = understand(text, knowledge, kind)
    here = f"on {kind}" if kind in knowledge.kinds else "to this model"
    if not found.is_understood:
        return _not_understood(reading, found, here)
    if found.known_on:
        spans = _spans_of(reading, [each.name for each in reading.asked_for if each.status == "elsewhere"])
        where = listed(found.known_on)
        return Remark(f"“{quoted(found.thing)}” is known on {where}, not {here}.", spans, _first(found))
    if found.denies:
        return Remark(f"This asks whether there is “{quoted(found.asked)}”.")
    if found.unknown:
        count = f"{len(found.unknown)} unknown words" if len(found.unknown) > 1 else "1 unknown word"
        return Remark(f"{count}: {listed(found.unknown)}.", _spans_of(reading, found.unknown))
    return _on_place(text, words)


def _goes_on(reading: Reading, words: Vocabulary) -> bool:
    """The text ends within a word that may still become a plain word or part of a known name."""
    last = reading.words[-1]
    is_named = any(each.last == len(reading.words) for each in (*reading.affirmed, *reading.denied))
    if last.end < len(reading.text) or is_named:
        return False
    parts = [part for name in words.understood for part in name.split()]
    return any(word != last.text and word.startswith(last.text) for word in (*parts, *grammar().roles))


def _not_understood(reading: Reading, found: Understanding, here: str) -> Remark:
    suggestion = _first(found)
    if not found.unknown and suggestion:
        return Remark(
            f"Name what to look for, such as “{quoted(suggestion)}”.", (), f"{reading.text.rstrip()} {suggestion}"
        )
    verb = "are" if len(found.unknown) > 1 else "is"
    named = ", ".join(f"“{quoted(word)}”" for word in found.unknown) or "This"
    meant = f"; did you mean “{quoted(suggestion)}”?" if suggestion else "."
    return Remark(f"{named} {verb} not known {here}{meant}", _spans_of(reading, found.unknown), suggestion)


def _on_place(text: str, words: Vocabulary) -> Remark | None:
    obeyed = [words.knowledge.kinds[kind].obeys_place for kind in words.kinds]
    place = PLACES.search(text)
    if place is None or not any(share is not None and share < OBEYS for share in obeyed):
        return None
    return Remark(
        f"“{quoted(place[0])}” is understood as a place, though this model hardly obeys places.", (place.span(),)
    )


def _spans_of(reading: Reading, names: Sequence[str]) -> Spans:
    """Where words stand in a text, in its order."""
    wanted = {name.casefold() for name in names}
    mentions = {reading.span(each) for each in (*reading.affirmed, *reading.denied)}
    spans = mentions | {(reading.words[number].start, reading.words[number].end) for number in reading.strange}
    return tuple(sorted(span for span in spans if reading.text[slice(*span)].casefold() in wanted))


def _first(found: Understanding) -> str:
    return found.suggestions[0] if found.suggestions else ""
