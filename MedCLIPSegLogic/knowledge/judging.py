"""From the sight of the image, the prompt and the signs of the answer to a verdict, with its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..errors import quoted
from .answer import doubts, expected_dice
from .image_rule import NO_MEDICAL_IMAGE
from .known import Knowledge
from .sight import ImageSight
from .understanding import Understanding
from .verdict import Doubt, Verdict

MOST_NAMED = 5
"""Kinds, words or suggestions that a sentence names at most."""
MOST_REASONS = 2
"""Reasons that a sentence names at most; the others stand in :attr:`Verdict.doubts`."""
_REASONS: Mapping[Doubt, str] = {
    "words": "the model knows {thing} on {elsewhere} only",
    "islands": "it falls into many pieces",
    "border": "it touches the border of the image",
    "size": "its size is unlike any in training",
    "place": "the named place costs most of it",
    "neighbors": "neighboring slices disagree",
    "agreement": "other words for the same thing outline something else",
    "expected-dice": "a Dice of only about {dice:.2f} is to be expected",
}
"""What speaks against an outline, in the order in which it is told."""


def judge_question(sight: ImageSight, asked: Understanding | None, knowledge: Knowledge | None) -> Verdict | None:
    """The verdict that is known before anything is segmented; else None.

    A foreign image, a prompt not understood, and a thing that is known on other kinds of image only, where it is clear
    of which kind this one is: what the model would outline then is something else.

    Args:
        sight: of the image.
        asked: the prompt; None for a model without knowledge.
        knowledge: of the model; None when it has none.
    """
    if sight.is_foreign:
        known = f"; it knows {_some(knowledge.kinds)}" if knowledge else ""
        return Verdict("foreign-image", f"{_looks(sight)}{known}: choose another model, or show the answer anyway.")
    if asked is not None and asked.is_understood and _elsewhere(sight, asked) and sight.is_clear:
        return _not_on_this_kind(sight, asked)
    if asked is None or asked.is_understood or (asked_as(asked) and not asked.denies):
        return None
    words = _marked(asked.unknown or (asked.prompt,))
    way = f"ask for {_marked(asked.suggestions[:1])}" if asked.suggestions else "ask in other words"
    return Verdict(
        "not-understood",
        f"The model does not understand {words}{_on(sight)}: {way}, or show the answer anyway.",
        asked.suggestions,
    )


def judge_answer(
    sight: ImageSight,
    asked: Understanding | None,
    is_empty: bool,
    signs: Mapping[str, float],
    knowledge: Knowledge | None,
) -> Verdict:
    """The verdict on the answer to a question that :func:`judge_question` let pass.

    Args:
        sight: of the image.
        asked: the prompt, which is no denial; None for a model without knowledge.
        is_empty: nothing was found.
        signs: of the answer, by name.
        knowledge: of the model; None when it has none.
    """
    reasons = doubts(signs, knowledge, sight.kind)
    if is_empty:
        return _judge_nothing(sight, asked, reasons)
    if asked is not None and _elsewhere(sight, asked):
        reasons = ("words", *reasons)
    dice = expected_dice(signs, knowledge)
    own = _own_words(asked)
    if reasons:
        names = {"thing": _thing(asked), "elsewhere": _some(asked.known_on) if asked else "", "dice": dice or 0.0}
        told = [text.format(**names) for doubt, text in _REASONS.items() if doubt in reasons][:MOST_REASONS]
        suggestions = _without_place(asked, reasons) if asked else ()
        way = f"; ask for {_marked(suggestions[:1])}" if suggestions and {"place", "words"} & set(reasons) else ""
        text = f"{own}Check the outline: {' and '.join(told) or 'it is unlike good ones'}{way}."
        return Verdict("doubtful", text, suggestions, reasons, asked_as(asked), dice)
    if asked is None and not sight.is_clear:
        text = "Something is outlined, but nobody recorded what this model knows: check the outline."
        return Verdict("doubtful", text, doubts=("no-knowledge",))
    if asked is None:
        return Verdict(
            "found", f"Something is outlined, and this looks like {quoted(sight.kind)}, the model's own kind."
        )
    thing, knows = _thing(asked), f"the model knows it{_on(sight)}"
    if _unknown(asked):
        knows += f", but not {_marked(_unknown(asked))}"
    expected = f"; a Dice of about {dice:.2f} is to be expected" if dice is not None else ""
    begin = own + thing if own else thing[:1].upper() + thing[1:]
    return Verdict(
        "found",
        f"{begin} is outlined; {knows}{expected}.",
        asked_as=asked_as(asked),
        expected_dice=dice,
    )


def judge_presence(sight: ImageSight, asked: Understanding, where: str) -> Verdict:
    """The verdict on a prompt that denies a thing.

    Args:
        sight: of the image.
        asked: the prompt.
        where: where the model sees the thing all the same, such as "7 % of the image"; empty when it does not.
    """
    own, thing = _own_words(asked), _thing(asked)
    if where:
        text = (
            f"{own}The prompt denies {_a(thing)}, but the model sees something like it ({where}): ask for "
            f"{_marked([asked.asked])} to outline it."
        )
        return Verdict("doubtful", text, (asked.asked,), ("denied",), asked_as(asked))
    found = _judge_nothing(sight, asked, ())
    if found.kind == "absent" and not _elsewhere(sight, asked):
        return Verdict("absent", f"{own}As the prompt says, no {thing} is seen.", asked_as=asked_as(asked))
    return found


def nothing_kept(verdict: Verdict) -> Verdict:
    """The verdict on an answer of which the rule for islands leaves nothing; one that means nothing stays.

    Args:
        verdict: on the whole answer.
    """
    if verdict.is_unknown:
        return verdict
    text = "All that is outlined is in islands smaller than those to keep: keep smaller ones to see it."
    return replace(verdict, kind="doubtful", text=text, suggestions=(), doubts=("islands",), expected_dice=None)


def nothing_to_look_at() -> Verdict:
    """The verdict on slices that are all flat."""
    text = "There is nothing to look at, as the slices are flat: choose others, or another window of grey values."
    return Verdict("doubtful", text, doubts=("no-content",))


def asked_as(asked: Understanding | None) -> str:
    """The model's own words for the prompt, or for what it denies; empty when it is asked as typed."""
    if asked is None:
        return ""
    typed = asked.presence_question or asked.asked if asked.denies else asked.prompt
    return "" if asked.asked == typed else asked.asked


def _judge_nothing(sight: ImageSight, asked: Understanding | None, reasons: tuple[Doubt, ...]) -> Verdict:
    """The verdict on an empty answer."""
    if asked is None:
        text = "Nothing is found, but nobody recorded what this model knows: it may be there all the same."
        return Verdict("doubtful", text, doubts=("no-knowledge",))
    own, thing, words = _own_words(asked), _thing(asked), asked_as(asked)
    if _unknown(asked):
        suggestions = asked.suggestions or ((asked.thing,) if asked.thing else ())
        way = f"ask for {_marked(suggestions[:1])} to be sure" if suggestions else "ask in other words"
        text = f"Nothing is found, but the model does not understand {_marked(_unknown(asked))}{_on(sight)}: {way}."
        return Verdict("not-understood", text, suggestions)
    suggestions = _without_place(asked, reasons)
    if "place" in reasons and suggestions:
        text = f"{own}Nothing is found in the named place: ask for {_marked(suggestions[:1])} to look everywhere."
        return Verdict("doubtful", text, suggestions, reasons, words)
    if "agreement" in reasons and asked.thing:
        alone = tuple(dict.fromkeys((asked.thing, *asked.suggestions)))
        text = (
            f"{own}Nothing is found, but something is when the model is asked for {_marked(alone[:1])}: ask for that."
        )
        return Verdict("doubtful", text, alone, reasons, words)
    if "planes" in reasons:
        text = f"{own}No {thing} is left of what one plane outlines, as the others disagree: look at one plane alone."
        return Verdict("doubtful", text, asked.suggestions, reasons, words)
    if reasons:
        text = f"{own}No {thing} lies above the threshold, but something comes close: lower the threshold to see it."
        return Verdict("doubtful", text, asked.suggestions, reasons, words)
    if not sight.is_clear and sight.foreign is not None:
        text = (
            f"{own}No {thing} is found, but it is not clear what kind of image this is: it may be there all the same."
        )
        return Verdict("doubtful", text, suggestions, ("image",), words)
    if _elsewhere(sight, asked):
        return _not_on_this_kind(sight, asked)
    knows = f", and the model knows it{_on(sight)}" if sight.kind else ""
    return Verdict("absent", f"{own}No {thing} is seen{knows}.", asked_as=words)


def _looks(sight: ImageSight) -> str:
    if sight.looks_like == NO_MEDICAL_IMAGE:
        return "This looks like no medical image, at least none that the model knows"
    looks = f"This looks like {quoted(sight.looks_like)}, which" if sight.looks_like else "This is an image that"
    return f"{looks} the model does not know"


def _not_on_this_kind(sight: ImageSight, asked: Understanding) -> Verdict:
    """The verdict on a thing that this kind of image does not show, as far as the model knows."""
    way = f"; ask for {_marked(asked.suggestions[:1])}" if asked.suggestions else ""
    text = (
        f"{_own_words(asked)}No {_thing(asked)} is to be seen: the model knows that on {_some(asked.known_on)} only, "
        f"and this looks like {quoted(sight.kind)}{way}."
    )
    return Verdict("absent", text, asked.suggestions, asked_as=asked_as(asked))


def _without_place(asked: Understanding, reasons: Sequence[Doubt]) -> tuple[str, ...]:
    """The suggestions; where the place is in doubt, the prompt without it comes first."""
    if "place" not in reasons or asked.without_place in ("", asked.prompt):
        return asked.suggestions
    return tuple(dict.fromkeys((asked.without_place, *asked.suggestions)))


def _elsewhere(sight: ImageSight, asked: Understanding) -> bool:
    """The thing is known, but not on this kind of image."""
    return bool(sight.kind and asked.known_on)


def _unknown(asked: Understanding) -> tuple[str, ...]:
    """Unknown words that the model was asked all the same."""
    return tuple(word for word in asked.unknown if word in asked.asked)


def _thing(asked: Understanding | None) -> str:
    return quoted((asked.thing or asked.asked) if asked else "it")


def _own_words(asked: Understanding | None) -> str:
    words = asked_as(asked)
    return f"Asked as “{quoted(words)}”: " if words else ""


def _on(sight: ImageSight) -> str:
    return f" on {quoted(sight.kind)}" if sight.kind else ""


def _a(thing: str) -> str:
    return f"{'an' if thing[:1].lower() in 'aeiou' else 'a'} {thing}"


def _marked(words: Sequence[str]) -> str:
    return _listed([f"“{quoted(word)}”" for word in words])


def _some(names: Iterable[str]) -> str:
    """Names as a sentence lists them, not too many."""
    return _listed([quoted(name) for name in names])


def _listed(all_names: Sequence[str]) -> str:
    shown = all_names[:MOST_NAMED]
    if len(all_names) > MOST_NAMED:
        return f"{', '.join(shown)} and more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
