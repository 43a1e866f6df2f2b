"""The words a model knows, as seen from one kind of image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from .grammar import grammar
from .known import LEAST_DICE, Knowledge, KnownThing
from .spelling import number_variants
from .terms import terms
from .words import words_of

RARE = 5
"""Training occurrences below which a word counts as unknown."""
Standing = Literal["here", "elsewhere", "rare", "unknown"]
Status = Literal["understood", "not-understood", "elsewhere", "fitting", "part", "finding"]
SHAPE_ENDINGS = ("shaped", "like")
"""Words after which a thing is a shape: "kidney-shaped"."""


@dataclass(frozen=True)
class Mention:
    """A thing that a text names.

    Args:
        first, last: numbers of its words; the last is exclusive.
        name: in lower case.
        status: "understood" on this kind of image; "not-understood", as was measured, or the other number of an
            understood name, or understood on a kind with a like name; "elsewhere": understood on other kinds;
            "fitting": a part of the body that images of this kind always show; "part" or "finding": a medical term that
            means nothing to the model here.
        thing: the known thing; empty for none.
        kinds: of image on which it is understood.
    """

    first: int
    last: int
    name: str
    status: Status
    thing: str = ""
    kinds: tuple[str, ...] = ()


class Vocabulary:
    """What a model knows, as seen from one kind of image.

    Args:
        knowledge: of the model.
        kind: of image; all kinds for None and for one that the model does not know.
    """

    def __init__(self, knowledge: Knowledge, kind: str | None) -> None:
        self.knowledge = knowledge
        self.kinds = (kind,) if kind is not None and kind in knowledge.kinds else tuple(knowledge.kinds)
        self._words = knowledge.words

    @cached_property
    def understood(self) -> dict[str, str]:
        """Names understood here with the thing they name: names of things first, the best understood first."""
        things = [pair for kind in self.kinds for pair in self.knowledge.kinds[kind].things.items()]
        things.sort(key=lambda pair: -(pair[1].dice or 0.0))
        found = {_plain(name): name for name, thing in things if _is_known(thing)}
        for name, thing in things:
            for wording in thing.understood if _is_known(thing) else ():
                found.setdefault(_plain(wording), name)
        return found

    @cached_property
    def elsewhere(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Names understood on other kinds of image alone, with the thing they name and the kinds."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for kind in self.knowledge.kinds:
            if kind not in self.kinds:
                for name, thing in vocabulary(self.knowledge, kind).understood.items():
                    first, kinds = found.get(name, (thing, ()))
                    found[name] = (first, (*kinds, kind))
        # A "benign tumor" is to be judged as a tumor.
        plain = [name for name in found if " " in name and grammar().roles.get(name.split()[0]) == "appearance"]
        return {name: known for name, known in found.items() if name not in (*self.understood, *plain)}

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Things understood here that are no parts of the body, the best understood first."""
        things = dict.fromkeys(self.understood.values())
        return tuple(thing for thing in things if not _is_part(_plain(thing)))

    @cached_property
    def _statuses(self) -> dict[str, Mention]:
        """What there is to say of every name and term, without its place in a text."""
        found = {term: self._term(term, is_part) for term, is_part in terms().is_part.items()}
        for name, (thing, kinds) in self.elsewhere.items():
            found[name] = Mention(0, 0, name, self._standing_of(kinds), thing, kinds)
        for kind in self.kinds:
            for name, known in self.knowledge.kinds[kind].things.items():
                for wording in map(_plain, (name, *known.wordings)):
                    if wording not in self.understood:
                        found[wording] = Mention(0, 0, wording, "not-understood", name)
        for name, thing in self.understood.items():
            found[name] = Mention(0, 0, name, "understood", thing, self.kinds)
        return found

    @cached_property
    def _longest(self) -> dict[str, int]:
        """How many words the longest name has that begins with a word."""
        found: dict[str, int] = {}
        for name in self._statuses:
            first, *rest = name.split()
            found[first] = max(found.get(first, 0), 1 + len(rest))
        return found

    def _standing_of(self, kinds: Sequence[str]) -> Status:
        """Of what is understood on other kinds: an image of a kind with a like name may well show it."""
        here = {word for kind in self.kinds for word in words_of(kind)}
        is_alike = any(not here.isdisjoint(words_of(kind)) for kind in kinds)
        return "not-understood" if is_alike else "elsewhere"

    def _term(self, term: str, is_part: bool) -> Mention:
        words = {word for kind in self.kinds for word in words_of(kind)}
        is_shape = term in grammar().shape and bool(self._words.get(term))
        if is_part and (is_shape or self.is_trained(term) or not words.isdisjoint(terms().fits(term))):
            return Mention(0, 0, term, "fitting")
        return Mention(0, 0, term, "part" if is_part else "finding")

    def standing(self, word: str) -> Standing:
        """How well a word (lower case) was trained: often enough on this kind of image, on others, hardly, never."""
        counts = self._words.get(word)
        if not counts:
            return "unknown"
        if any(counts.get(kind, 0) >= RARE for kind in self.kinds):
            return "here"
        return "elsewhere" if max(counts.values()) >= RARE else "rare"

    def is_trained(self, name: str) -> bool:
        """All words of a name (lower case) were trained often enough on this kind of image."""
        return all(self.standing(word) == "here" for word in name.split())

    def is_plain(self, word: str) -> bool:
        """A word (lower case) that needs no remark: trained or of plain English, a number, a letter."""
        return (
            word in grammar().roles
            or word.isdecimal()
            or len(word) == 1
            or self.standing(word) in ("here", "elsewhere")
        )

    def mentions(self, words: Sequence[str]) -> tuple[Mention, ...]:
        """The things a text names, the longest names first; none overlap.

        Args:
            words: of the text, lower case.
        """
        return tuple(self._mentions(words))

    def _mentions(self, words: Sequence[str]) -> Iterator[Mention]:
        first = 0
        while first < len(words):
            mention = self._mention_at(words, first)
            if mention is None:
                first += 1
            else:
                yield mention
                first = mention.last

    def _mention_at(self, words: Sequence[str], first: int) -> Mention | None:
        for last in range(min(len(words), first + self._reach(words[first])), first, -1):
            found = self._named(words[first:last])
            is_shape = last < len(words) and words[last] in SHAPE_ENDINGS
            if is_shape and found is not None and found.status in ("part", "fitting"):
                continue
            if found is not None and not self._is_known_in_part(words[first:last], found):
                return Mention(first, last, found.name, found.status, found.thing, found.kinds)
        return None

    def _is_known_in_part(self, words: Sequence[str], found: Mention) -> bool:
        """A term such as "lung infection" where lungs go without saying and "infection" is understood."""
        if found.status != "finding":
            return False
        for number in range(1, len(words)):
            part, rest = self._named(words[:number]), self._named(words[number:])
            if part and rest and (part.status, rest.status) == ("fitting", "understood"):
                return True
        return False

    def _reach(self, word: str) -> int:
        return self._longest.get(word, 0) or int(any(form in self._longest for form in number_variants(word)))

    def _named(self, words: Sequence[str]) -> Mention | None:
        """A name, or the other number of one, which is understood only if that was measured."""
        *before, noun = words
        exact = self._statuses.get(" ".join(words))
        if exact is not None:
            return exact
        for form in number_variants(noun):
            found = self._statuses.get(" ".join((*before, form)))
            if found is not None:
                name = " ".join(words)
                status: Status = "not-understood" if found.status in ("understood", "elsewhere") else found.status
                return Mention(0, 0, name, status, found.thing, found.kinds)
        return None


@lru_cache(maxsize=64)
def vocabulary(knowledge: Knowledge, kind: str | None) -> Vocabulary:
    """The vocabulary of a model on a kind of image, kept for the next time."""
    return Vocabulary(knowledge, kind)


def _is_known(thing: KnownThing) -> bool:
    """A thing that is found by its own name, or of which nobody measured whether it is but often trained."""
    return thing.images >= RARE if thing.dice is None else thing.dice >= LEAST_DICE


def _is_part(name: str) -> bool:
    """Whether a name, or the noun at its end, is a part of the body."""
    parts = terms().is_part
    return parts.get(name, parts.get(name.rpartition(" ")[2], False))


def _plain(name: str) -> str:
    return " ".join(words_of(name))
