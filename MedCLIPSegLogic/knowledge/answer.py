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
LEAST_ISLAND = 0.7
"""Share of the mask that the largest island must hold. 12 % of bad and 2 % of good answers on Val have less."""
MOST_BORDER = 0.5
"""Share of the outline that may lie on the border of the image."""
AREA_MARGIN = 2.0
"""How many times the area may exceed the 99th percentile of training masks, or fall short of the 1st."""
LEAST_PLACE = 0.5
"""Share of the mask without the words of place that must remain with them. Of answers to wrong places on Val that are
good without, 85 % keep less, and of good answers 1 %."""
LEAST_NEIGHBORS = 0.5
"""Dice of the masks of neighboring slices."""
LEAST_AGREEMENT = 0.3
"""Mean probability inside the mask when the thing alone is asked for on a smaller image: 24 % and 4 % on Val."""
LEAST_AGREEMENT_ON_NOTHING = 0.5
"""The same of an empty answer: 1 − the largest probability. 98 % of the things missed on Val have less."""
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


def is_in_doubt(signs: Mapping[str, float], knowledge: Knowledge | None, margin: float = 0.0) -> bool:
    """Whether it is worth asking further: nothing is outlined, no rule is known, or it expects little.

    Args:
        signs: of the answer, by name.
        knowledge: of the model; None when it has none.
        margin: of expected Dice beyond the rule's limit that is little still.
    """
    rule = knowledge.answer if knowledge is not None else None
    return rule is None or not is_outline(signs) or dice_by_rule(signs, rule) < rule.limit + margin


def doubts(signs: Mapping[str, float], knowledge: Knowledge | None, kind: str | None) -> tuple[Doubt, ...]:
    """Why an answer with such signs is doubtful; empty when it is not.

    Islands, the border and agreement say why little is to be expected; where a rule expects enough, they are no
    reason.

    Args:
        signs: of the answer, by name; see ``inference/answer_signs.py``.
        knowledge: of the model; None when it has none.
        kind: of the image; None where nobody can tell.
    """
    if not signs:
        return ()
    found = _of_outline(signs, knowledge, kind) if is_outline(signs) else _of_nothing(signs)
    return tuple(doubt for doubt, holds in found.items() if holds)


def _of_outline(signs: Mapping[str, float], knowledge: Knowledge | None, kind: str | None) -> dict[Doubt, bool]:
    known = knowledge.kinds.get(kind) if knowledge is not None and kind is not None else None
    least, *_, most = known.area if known is not None and known.area is not None else (0.0, 1.0)
    rule = knowledge.answer if knowledge is not None else None
    is_bad = rule is not None and dice_by_rule(signs, rule) < rule.limit
    is_open = rule is None or is_bad
    return {
        "place": signs.get("place", 1.0) < LEAST_PLACE,
        "islands": is_open and signs["largest_island"] < LEAST_ISLAND,
        "border": is_open and signs["border"] > MOST_BORDER,
        "size": not least / AREA_MARGIN <= signs["area"] <= AREA_MARGIN * most,
        "neighbors": signs.get("neighbors", 1.0) < LEAST_NEIGHBORS,
        "agreement": is_open and signs.get("agreement", 1.0) < LEAST_AGREEMENT,
        "expected-dice": is_bad,
    }


def _of_nothing(signs: Mapping[str, float]) -> dict[Doubt, bool]:
    return {
        "place": signs.get("place", 1.0) < LEAST_PLACE,
        "agreement": signs.get("agreement", 1.0) < LEAST_AGREEMENT_ON_NOTHING,
        "threshold": signs.get("highest", 0.0) > MOST_PROBABLE,
        # Planes are compared only where one of them outlines something.
        "planes": "planes" in signs,
    }
