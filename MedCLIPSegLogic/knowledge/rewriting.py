"""A prompt in words that a model knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .grammar import grammar
from .reading import Reading, read
from .spelling import nearest, number_variants
from .terms import terms
from .vocabulary import Mention, Vocabulary

MOST_FOR_A_WORD = 2
TIES = frozenset({"a", "an", "the", "in", "of", "at", "from", "on", "near", "around", "beside", "within", "and", "or"})
_LOOSE_START = re.compile(r"^(?:of|from|in|at|around|near|beside|within|and|or)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Rewriting:
    """A prompt in other words.

    Args:
        text: the prompt.
        number: only singular and plural were changed.
        same: it means the same or covers it, or mends spelling: it may be asked instead if a person allows it.
    """

    text: str
    number: bool
    same: bool


@dataclass(frozen=True)
class _Change:
    start: int
    end: int
    word: str
    number: bool = False
    same: bool = True


def rewritings(reading: Reading, vocabulary: Vocabulary) -> Iterator[Rewriting]:
    """Prompts that say the same in known words, the nearest first; whether they are understood is to be seen.

    Args:
        reading: of the prompt.
        vocabulary: of the model.
    """
    mended = [change for number in reading.strange if (change := _respelled(number, reading, vocabulary))]
    if mended:
        spelled = _apply(mended, reading)
        yield spelled
        reading = read(spelled.text, vocabulary)
    wrong = [each for each in reading.asked_for if each.status != "understood"]
    choices: list[tuple[Mention, list[_Change]]] = []
    for mention in wrong:
        is_before_another = any(each.first == mention.last for each in reading.asked_for)
        changes = [] if is_before_another else list(islice(_changes(mention, reading, vocabulary), MOST_FOR_A_WORD))
        if changes or is_before_another or mention in reading.foreign:
            choices.append((mention, changes or [_without(mention, reading)]))
    for turn in range(max((len(changes) for _, changes in choices), default=0)):
        chosen: list[_Change] = []
        for mention, changes in choices:
            change = changes[min(turn, len(changes) - 1)]
            is_said = any(each.word.casefold() == change.word.casefold() for each in chosen)
            chosen += [_without(mention, reading)] if is_said else _with_count(change, mention, reading)
        yield _apply(chosen, reading)


def _changes(mention: Mention, reading: Reading, vocabulary: Vocabulary) -> Iterator[_Change]:
    """What may stand in the place of a name, the nearest first."""
    known = vocabulary.understood
    own = {name: rank for rank, name in enumerate(dict.fromkeys(vocabulary.understood.values()))}
    for form in number_variants(mention.name):
        if form in known:
            yield _put(form, mention, reading, number=True)
    singulars = (mention.name, *number_variants(mention.name))
    term = next((form for form in singulars if form in terms().is_part), mention.name.split()[-1])
    same = [name for name in terms().same(term) if name in known]
    if term in known:  # the last word of a longer name
        same.insert(0, term)
    for name in same:
        yield _put(name, mention, reading)
    near = [name for name in terms().near(term) if name in known]
    if term in terms().broad:
        near += vocabulary.findings
    for name in sorted(near, key=lambda each: own.get(each, len(own))):
        yield _put(name, mention, reading, same=False)


def _put(name: str, mention: Mention, reading: Reading, number: bool = False, same: bool = True) -> _Change:
    start, end = reading.span(mention)
    if reading.text[start].isupper() and not reading.typed(mention).isupper():
        name = name[:1].upper() + name[1:]
    return _Change(start, end, name, number, same)


def _with_count(change: _Change, mention: Mention, reading: Reading) -> list[_Change]:
    """A change, and a word such as "two" dropped before a singular."""
    before = [] if change.word.endswith("s") else reading.words[reading.phrase_start(mention) : mention.first]
    counts = [word for word in before if word.text in grammar().count[1:-1]]
    return [change, *(_Change(word.start, word.end, "", change.number) for word in counts)]


def _without(mention: Mention, reading: Reading) -> _Change:
    """Drops a name with its unknown adjectives and what ties it to the words before: "tumor in the brain"."""
    first = mention.first
    while first and (reading.words[first - 1].text in TIES or first - 1 in reading.strange):
        first -= 1
    return _Change(reading.words[first].start, reading.span(mention)[1], "", same=False)


def _respelled(number: int, reading: Reading, vocabulary: Vocabulary) -> _Change | None:
    word = reading.words[number]
    known = dict.fromkeys(part for name in vocabulary.understood for part in name.split())
    meant = nearest(word.text, known)
    return None if meant is None else _Change(word.start, word.end, meant)


def _apply(changes: list[_Change], reading: Reading) -> Rewriting:
    text = reading.text
    for change in sorted(changes, key=lambda each: -each.start):
        text = text[: change.start] + change.word + text[change.end :]
    tidy = _LOOSE_START.sub("", " ".join(text.split()))
    tidy = tidy[:1].upper() + tidy[1:] if reading.text.lstrip()[:1].isupper() else tidy
    return Rewriting(tidy, all(each.number for each in changes), all(each.same for each in changes))
