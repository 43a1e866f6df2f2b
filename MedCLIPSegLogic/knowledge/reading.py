"""What a text names, what of it it denies, and which of its words a model does not know."""

from __future__ import annotations

from dataclasses import dataclass

from .denial import denied_spans, is_denied_after, is_normal
from .grammar import grammar
from .terms import terms
from .vocabulary import SHAPE_ENDINGS, Mention, Vocabulary
from .words import Word, split_words

_OWNERS = frozenset({"of", "around", "near", "beside", "beneath", "behind", "below", "above", "under", "surrounding"})
_WITHIN = frozenset({"in", "inside", "from", "at", "within"})
_MODIFIERS = frozenset({"size", "shape", "color", "count", "appearance", "place"})
_NAMING_WHERE = frozenset({"place", "image"})


@dataclass(frozen=True)
class Reading:
    """A text, read.

    Args:
        text: as typed.
        words: of it.
        affirmed: things it names without denying them.
        denied: things it names and denies.
        denies_all: it says that there is nothing, and names no thing.
        strange: words, by number, that are no plain words and name no thing.
    """

    text: str
    words: tuple[Word, ...]
    affirmed: tuple[Mention, ...]
    denied: tuple[Mention, ...]
    denies_all: bool
    strange: tuple[int, ...]

    @property
    def parts(self) -> tuple[Mention, ...]:
        """Parts of the body it names that images of this kind always show."""
        return tuple(each for each in (*self.affirmed, *self.denied) if each.status == "fitting")

    def typed(self, mention: Mention) -> str:
        """A thing as it stands in the text."""
        return self.text[self.words[mention.first].start : self.words[mention.last - 1].end]

    def span(self, mention: Mention) -> tuple[int, int]:
        """Where a thing stands in the text."""
        return self.words[mention.first].start, self.words[mention.last - 1].end

    @property
    def asked_for(self) -> tuple[Mention, ...]:
        """What the text asks for: the things it affirms, or else those that it denies; no parts that go unsaid."""
        things = tuple(each for each in self.affirmed if each.status != "fitting")
        return things or tuple(each for each in self.denied if each.status != "fitting")

    @property
    def denies(self) -> bool:
        """What it asks for, it denies."""
        return self.denies_all or (bool(self.asked_for) and self.asked_for[0] in self.denied)

    @property
    def foreign(self) -> tuple[Mention, ...]:
        """Terms that make it ask for something else, although a known thing may stand beside them."""
        return tuple(each for each in self.asked_for if each.status == "part" or self._owns(each))

    def _owns(self, mention: Mention) -> bool:
        """A term that the sentence is about while another thing only tells where: "bleeding from the polyp"."""
        is_term = mention.status in ("fitting", "finding") and mention.name not in terms().broad
        if not is_term or mention.last == len(self.words):
            return False
        between = self.words[mention.last].text
        owners = _OWNERS | _WITHIN if mention.status == "finding" else _OWNERS
        before = self.words[mention.first - 1].text if mention.first else ""
        later = [each for each in self.asked_for if each.first > mention.last]
        return between in owners and before not in _OWNERS | _WITHIN and bool(later)

    def positive(self) -> str:
        """What a denial denies, as a question for it: "small tumor on the left" of "no small tumor on the left"."""
        thing = self.asked_for[0]
        first, last = self.phrase_start(thing), thing.last
        for number in range(thing.last, len(self.words)):
            if self._gap(number).strip(" -") or self.words[number].text in grammar().denial.breaks:
                break
            if grammar().roles.get(self.words[number].text) in _NAMING_WHERE:
                last = number + 1
        return self.text[self.words[first].start : self.words[last - 1].end]

    def phrase_start(self, mention: Mention) -> int:
        """Number of the first of the words before a thing that tell more of it."""
        first = mention.first
        while first and self._is_modifier(first - 1):
            first -= 1
        return first

    def _is_modifier(self, number: int) -> bool:
        """A word of the kind that stands before a thing, close to the word after it."""
        if self._gap(number + 1).strip(" -"):
            return False
        is_fitting = any(each.first <= number < each.last for each in self.parts)
        role = grammar().roles.get(self.words[number].text)
        return is_fitting or role in _MODIFIERS or number in self.strange

    def _gap(self, number: int) -> str:
        """What stands before a word, after the word before it."""
        return self.text[self.words[number - 1].end : self.words[number].start]


def read(text: str, vocabulary: Vocabulary) -> Reading:
    """Read a text in the light of what a model knows."""
    words = split_words(text)
    plain = [word.text for word in words]
    mentions = vocabulary.mentions(plain)
    lower = text.lower() if len(text.lower()) == len(text) else text
    spans = denied_spans(lower)
    affirmed: list[Mention] = []
    denied: list[Mention] = []
    for mention in mentions:
        start, end = words[mention.first].start, words[mention.last - 1].end
        is_denied = any(first <= start < last for first, last in spans) or is_denied_after(lower, end)
        (denied if is_denied else affirmed).append(mention)
    named = {number for mention in mentions for number in range(mention.first, mention.last)}
    shapes = {number - 1 for number, word in enumerate(plain) if word in SHAPE_ENDINGS}
    strange = tuple(
        number for number, word in enumerate(plain) if number not in named | shapes and not vocabulary.is_plain(word)
    )
    is_bare = all(mention.status == "fitting" for mention in mentions)
    denies_all = is_bare and (is_normal(plain) or (bool(spans) and not strange))
    return Reading(text, words, tuple(affirmed), tuple(denied), denies_all, strange)
