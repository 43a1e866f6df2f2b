"""From the parts of a prompt to a sentence in the style a model was trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from .grammar import grammar
from .known import Knowledge
from .places import PLACES, without_place
from .prompt_parts import HEIGHTS, PromptParts, check_parts, choices_of
from .reading import Reading, read
from .spelling import plural
from .vocabulary import Vocabulary, vocabulary
from .words import words_of

_ARTICLES = ("a", "an", "the")


_TELLING = frozenset({"appearance", "color", "size", "shape", "count"})
"""What words say that tell of one picture, not of all."""
_TO_PLACE = re.compile(r",?(?:\s+located)?\s+(?:in|at|on)(?:\s+the)?\s+$", re.IGNORECASE)


@dataclass(frozen=True)
class _Style:
    """How the training prompts of a kind of image say things.

    Args:
        before: what stands before the words on the thing.
        opener: the first of those, such as "one" or "a"; empty for none.
        between: what stands between the thing and its place.
        after: what stands after the place.
        is_capital: sentences begin with a capital letter.
        lost: parts of the example that say something of its own picture, or are missing.
        used: words of all examples.
    """

    before: str = ""
    opener: str = ""
    between: str = " at the "
    after: str = ""
    is_capital: bool = False
    lost: int = 0
    used: frozenset[str] = frozenset()


def sentence(parts: PromptParts, knowledge: Knowledge, kind: str | None) -> str:
    """A prompt of these parts, worded as the training prompts of a kind of image are.

    Args:
        parts: what to say.
        knowledge: of the model.
        kind: of the image; None for plain English.

    Raises:
        MedCLIPSegError: the model does not know a part on this kind of image.
    """
    check_parts(parts, choices_of(knowledge, kind))
    style, place = _style(knowledge, kind), parts.place
    for height, other in HEIGHTS.items():
        place = place.replace(height, other) if other in style.used and height not in style.used else place
    phrase = _phrase(parts, style, vocabulary(knowledge, kind))
    text = f"{style.before}{phrase}{style.between}{place or 'center'}{style.after}"
    text = text if place else without_place(text)
    return text[:1].upper() + text[1:] if style.is_capital else text


@lru_cache(maxsize=64)
def _style(knowledge: Knowledge, kind: str | None) -> _Style:
    """The style of the most usable example of a kind, or of plain English."""
    known = knowledge.kinds.get(kind) if kind is not None else None
    examples = known.prompts if known else ()
    styles = [style for prompt in examples for style in _styles_of(read(prompt, vocabulary(knowledge, kind)))]
    # Of equally usable ones that with the fewest words beside the parts.
    style = min(styles, key=lambda each: (each.lost, len(each.before + each.between)), default=_Style())
    return replace(style, used=frozenset(word for prompt in examples for word in words_of(prompt)))


def _phrase(parts: PromptParts, style: _Style, words: Vocabulary) -> str:
    """The thing with its count, size, color and shape."""
    shape = grammar().shape[parts.shape] if parts.shape and "shaped" in style.used else parts.shape
    many = plural(parts.thing)
    thing = many if parts.count not in ("", "one", "single") and many in words.understood else parts.thing
    told = [word for word in (parts.size, parts.color, shape, thing) if word]
    opener = parts.count or style.opener
    if opener in ("a", "an"):
        opener = "an" if told[0][0].lower() in "aeiou" else "a"
    return " ".join([opener, *told] if opener else told)


def _styles_of(reading: Reading) -> Iterator[_Style]:
    """The style of an example, cleared of what it says of its own picture; nothing where it names no thing."""
    if not reading.asked_for or reading.denies:
        return
    first = reading.phrase_start(reading.asked_for[0])
    last = reading.asked_for[0].last
    for each in reading.asked_for[1:]:
        last = each.last if each.first == last else last
    text, words = reading.text, reading.words
    opener = ""
    if words[first].text in grammar().count:
        opener = "one"
    elif first and words[first - 1].text in _ARTICLES:
        first -= 1
        opener = words[first].text
    start, end = words[first].start, words[last - 1].end
    place = PLACES.search(text, end)
    before = text[:start]
    between, after = (text[end : place.start()], text[place.end() :]) if place else (_Style.between, text[end:])
    lost = (place is None) + _tells(before) + _tells(between) + _tells(after)
    if _tells(between):
        to_place = _TO_PLACE.search(between)
        between = to_place[0] if to_place else _Style.between
    yield _Style(
        before="" if _tells(before) else before,
        opener=opener,
        between=between,
        after="." * text.endswith(".") if _tells(after) else after,
        is_capital=text[:1].isupper(),
        lost=lost,
    )


def _tells(text: str) -> bool:
    """Whether a part of an example says something of its own picture."""
    return any(grammar().roles.get(word) in _TELLING for word in words_of(text))
