"""What a prompt asks, and whether the model knows its words on this kind of image."""

from __future__ import annotations

from dataclasses import dataclass

from .known import Knowledge


@dataclass(frozen=True)
class Understanding:
    """A prompt, understood or not.

    Args:
        prompt: as typed.
        asked: what the model is asked: the prompt; of a denial, the thing without it; where a person allowed it, the
            model's own words.
        thing: the known thing it names; None for none.
        denies: it says that the thing is not there ("no tumor"), and so asks whether it is.
        is_understood: the model knows the thing, on this kind of image or on another.
        unknown: words that the model does not know on this kind of image, in the order of the prompt: never or hardly
            trained, or measured as not understood.
        known_on: kinds of image on which the thing is known, where the present kind is not among them.
        without_place: the prompt without its words of place; the prompt itself when it has none.
        suggestions: prompts in known words that fit this kind of image, the nearest first.
        presence_question: of a denial, what it denies ("tumor"), to be looked for; else empty.
    """

    prompt: str
    asked: str
    thing: str | None
    denies: bool = False
    is_understood: bool = True
    unknown: tuple[str, ...] = ()
    known_on: tuple[str, ...] = ()
    without_place: str = ""
    suggestions: tuple[str, ...] = ()
    presence_question: str = ""


def understand(prompt: str, knowledge: Knowledge, kind: str | None, own_words: bool = False) -> Understanding:
    """Read a prompt in the light of what a model knows.

    Args:
        prompt: as typed.
        knowledge: of the model.
        kind: of the image; None where nobody can tell.
        own_words: ask a prompt that is not understood in the nearest words the model knows.
    """
    words = prompt.lower().split()
    things = knowledge.things_of(None)
    thing = next((name for name in things if name in words), None)
    here = knowledge.things_of(kind)
    known_on = tuple(name for name, known in knowledge.kinds.items() if thing in known.things)
    unknown = tuple(word for word in words if word not in knowledge.words)
    asked = here[0] if own_words and thing is None and here else prompt
    return Understanding(
        prompt,
        asked,
        thing,
        is_understood=thing is not None,
        unknown=unknown,
        known_on=() if kind in known_on else known_on,
        without_place=prompt,
        suggestions=tuple(here),
    )
