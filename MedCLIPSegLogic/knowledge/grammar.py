"""The words of prompts that name no thing, by what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

from ..checked import checked, from_json

WORDS_FOLDER = Path(__file__).parent.parent / "Resources" / "Words"


@checked
class Denial:
    """How prompts deny.

    Args:
        before: words that deny what follows them.
        excused: words that take the denial back where they follow ("no larger than").
        breaks: words with which a clause ends and a denial with it.
        normal: words that deny any finding.
    """

    before: tuple[str, ...]
    excused: tuple[str, ...]
    breaks: tuple[str, ...]
    normal: tuple[str, ...]


@checked
class Grammar:
    """Words by what they say.

    Args:
        license: of the list.
        place: words of place, and the step they take to the right and down.
        named_by_place: organs that a word of place before them tells apart ("left lung"), each in both numbers.
        count, size, color: as training prompts have them, in their natural order.
        shape: words of shape, and what they are where a style says "oval-shaped".
        other: more words, by what they say.
        denial: how prompts deny.
    """

    license: str
    place: Mapping[str, tuple[int, int]]
    named_by_place: tuple[str, ...]
    count: tuple[str, ...]
    size: tuple[str, ...]
    color: tuple[str, ...]
    shape: Mapping[str, str]
    other: Mapping[str, tuple[str, ...]]
    denial: Denial

    @cached_property
    def roles(self) -> dict[str, str]:
        """What a word says: "place", "size", "count", "color", "shape", "appearance", "image" or "function"."""
        own = {"place": self.place, "size": self.size, "count": self.count, "color": self.color, "shape": self.shape}
        groups = (*own.items(), *self.other.items())
        return {word: role for role, words in reversed(groups) for word in words}


@cache
def grammar() -> Grammar:
    """The grammar that comes with the package."""
    return from_json(Grammar, json.loads((WORDS_FOLDER / "grammar.json").read_text(encoding="utf-8")))
