"""Signs of an answer that tell whether it is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

from .known import AnswerRule, Knowledge
from .verdict import Doubt

THING_SIGN = "thing "
"""With the name of a known thing behind it, the name of a sign that is 1 for answers to prompts that ask for it."""
MOST_DEVIATIONS = 4.0
"""Standard deviations beyond which a sign counts no more."""
FAR = 50.0
"""Where the logistic function is 0 or 1."""
LEAST_ISLAND = 0.5
"""Share of the mask that the largest island must hold: below, there is no main one."""
MOST_BORDER = 0.5
"""Share of the outline that may lie on the border of the image."""
AREA_MARGIN = 2.0
"""How many times the area may exceed the 99th percentile of training masks, or fall short of the 1st."""
LEAST_PLACE = 0.5
"""Share of the mask without the words of place that must remain with them."""
LEAST_NEIGHBORS = 0.5
"""Dice of the masks of neighboring slices."""
LEAST_AGREEMENT = 0.25
"""Mean probability inside the mask when the thing alone is asked for on a smaller image."""
LEAST_AGREEMENT_ON_NOTHING = 0.5
"""The same of an empty answer: 1 − the largest probability."""
MOST_PROBABLE = 0.3
"""Probability in an empty answer from which lowering the threshold shows something."""


def is_outline(signs: Mapping[str, float]) -> bool:
    """Whether signs are those of an answer that outlines something."""
    return signs.get("area", 0.0) > 0


def expected_dice(signs: Mapping[str, float], knowledge: Knowledge | None) -> float | None:
    """Dice to be expected of a mask with such signs, 0…1.

    None where the mask is empty or the model's knowledge has no rule.
    """
    if knowledge is None or knowledge.answer is None or not is_outline(signs):
        return None
    return dice_by_rule(signs, knowledge.answer)


def dice_by_rule(signs: Mapping[str, float], rule: AnswerRule) -> float:
    """Dice to be expected of a mask that is not empty, 0…1; signs that are not known say nothing."""
    total = rule.bias + sum(w * value for w, value in zip(rule.weights, standardized(signs, rule), strict=True))
    return 1 / (1 + exp(-max(-FAR, min(FAR, total))))


def standardized(signs: Mapping[str, float], rule: AnswerRule) -> list[float]:
    """The signs of a rule in standard deviations from their means, at most 4; 0 for those that are not known."""
    scaled = [
        (signs.get(name, mean) - mean) / deviation
        for name, mean, deviation in zip(rule.signs, rule.means, rule.deviations, strict=True)
    ]
    return [max(-MOST_DEVIATIONS, min(MOST_DEVIATIONS, value)) for value in scaled]


def doubts(signs: Mapping[str, float], knowledge: Knowledge | None, kind: str | None) -> tuple[Doubt, ...]:
    """Why an answer with such signs is doubtful; empty when it is not.

    Args:
        signs: of the answer, by name; see ``inference/answer_signs.py``.
        knowledge: of the model; None when it has none.
        kind: of the image; None where nobody can tell.
    """
    found = _of_outline(signs, knowledge, kind) if is_outline(signs) else _of_nothing(signs)
    return tuple(doubt for doubt, holds in found.items() if holds)


def _of_outline(signs: Mapping[str, float], knowledge: Knowledge | None, kind: str | None) -> dict[Doubt, bool]:
    known = knowledge.kinds.get(kind) if knowledge is not None and kind is not None else None
    expected, rule = expected_dice(signs, knowledge), knowledge.answer if knowledge is not None else None
    least, *_, most = known.area if known is not None and known.area is not None else (0.0, 1.0)
    return {
        "place": signs.get("place", 1.0) < LEAST_PLACE,
        "islands": signs["largest_island"] < LEAST_ISLAND,
        "border": signs["border"] > MOST_BORDER,
        "size": not least / AREA_MARGIN <= signs["area"] <= AREA_MARGIN * most,
        "neighbors": signs.get("neighbors", 1.0) < LEAST_NEIGHBORS,
        "agreement": signs.get("agreement", 1.0) < LEAST_AGREEMENT,
        "expected-dice": expected is not None and rule is not None and expected < rule.limit,
    }


def _of_nothing(signs: Mapping[str, float]) -> dict[Doubt, bool]:
    return {
        "place": signs.get("place", 1.0) < LEAST_PLACE,
        "agreement": signs.get("agreement", 1.0) < LEAST_AGREEMENT_ON_NOTHING,
        "threshold": signs.get("highest", 0.0) > MOST_PROBABLE,
    }
