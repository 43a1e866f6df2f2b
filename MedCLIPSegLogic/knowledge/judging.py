"""From the sight of the image, the prompt and the signs of the answer to a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from .answer import doubts, expected_dice
from .known import Knowledge
from .sight import ImageSight
from .understanding import Understanding
from .verdict import Verdict


def judge_question(sight: ImageSight, asked: Understanding) -> Verdict | None:
    """The verdict that is known before anything is segmented: a foreign image or an unknown word; else None.

    Args:
        sight: of the image.
        asked: the prompt.
    """
    if sight.is_foreign:
        looks = f", it looks like {sight.looks_like}" if sight.looks_like else ""
        return Verdict("foreign-image", f"The model does not know this kind of image{looks}.", ())
    if not asked.is_understood:
        words = ", ".join(f"“{word}”" for word in asked.unknown or (asked.prompt,))
        return Verdict("not-understood", f"The model does not know {words} on this kind of image.", asked.suggestions)
    return None


def judge_answer(
    sight: ImageSight,
    asked: Understanding | None,
    is_empty: bool,
    signs: Mapping[str, float],
    knowledge: Knowledge | None,
) -> Verdict:
    """The verdict on an answer.

    Args:
        sight: of the image.
        asked: the prompt; None for a model without knowledge.
        is_empty: nothing was found.
        signs: of the answer, by name.
        knowledge: of the model; None when it has none.
    """
    kind = sight.kind
    if is_empty and knowledge is None:
        text = "Nothing was found, but nobody recorded what this model knows: that does not say it is not there."
        return Verdict("doubtful", text, doubts=("no-knowledge",))
    if is_empty:
        return Verdict("absent", "It is not there, as far as the model can see.")
    reasons = doubts(signs, knowledge, kind)
    dice = expected_dice(signs, knowledge)
    if reasons:
        return Verdict("doubtful", "Look at this answer closely.", doubts=reasons, expected_dice=dice)
    return Verdict("found", "Found.", expected_dice=dice)
