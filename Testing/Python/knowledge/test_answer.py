"""What signs make of an answer."""

from __future__ import annotations

from math import exp

import pytest

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.knowledge.answer import doubts, expected_dice
from MedCLIPSegLogic.knowledge.known import AnswerRule, Knowledge, KnownKind
from MedCLIPSegLogic.knowledge.verdict import Doubt

RULE = AnswerRule(("certainty", "thing tumor"), (0.5, -0.3), (0.9, 0.0), (0.05, 1.0), 1.0, limit=0.6)
KNOWLEDGE = Knowledge(
    kinds={"breast ultrasound": KnownKind(images=9, things={}, area=(0.01, 0.02, 0.05, 0.1, 0.3))}, answer=RULE
)
GOOD = {"area": 0.05, "certainty": 0.95, "highest": 0.99, "largest_island": 1.0, "border": 0.0, "agreement": 0.9}
BAD = GOOD | {"certainty": 0.75}
NOTHING = {"area": 0.0, "certainty": 0.0, "highest": 0.01, "extent": 0.001}


def test_the_expected_dice_is_the_logistic_of_the_standardized_signs() -> None:
    assert expected_dice(GOOD, KNOWLEDGE) == pytest.approx(1 / (1 + exp(-1.5)))
    assert expected_dice(GOOD | {"thing tumor": 1.0}, KNOWLEDGE) == pytest.approx(1 / (1 + exp(-1.2)))
    # Four deviations count at most; a sign that nobody measured says nothing.
    assert expected_dice(GOOD | {"certainty": 0.1}, KNOWLEDGE) == pytest.approx(1 / (1 + exp(1.0)))
    assert expected_dice({"area": 0.05}, KNOWLEDGE) == pytest.approx(1 / (1 + exp(-1.0)))
    assert expected_dice(NOTHING, KNOWLEDGE) is None
    assert expected_dice(GOOD, None) is expected_dice(GOOD, Knowledge(kinds={})) is None


@pytest.mark.parametrize(
    ("signs", "reasons"),
    [
        ({}, ()),
        (GOOD, ()),
        (BAD, ("expected-dice",)),
        (GOOD | {"largest_island": 0.3, "border": 0.6, "agreement": 0.1}, ()),
        (BAD | {"largest_island": 0.3}, ("islands", "expected-dice")),
        (BAD | {"border": 0.6, "agreement": 0.1}, ("border", "agreement", "expected-dice")),
        (GOOD | {"place": 0.4}, ("place",)),
        (GOOD | {"neighbors": 0.4}, ("neighbors",)),
        (GOOD | {"area": 0.61}, ("size",)),
        (GOOD | {"area": 0.004}, ("size",)),
        (GOOD | {"area": 0.59, "neighbors": 0.6, "place": 0.6}, ()),
        (NOTHING, ()),
        (NOTHING | {"agreement": 0.6, "place": 1.0}, ()),
        (NOTHING | {"planes": 1 / 3}, ("planes",)),
        (GOOD | {"planes": 0.7}, ()),
        (NOTHING | {"agreement": 0.1, "place": 0.0, "highest": 0.4}, ("place", "agreement", "threshold")),
    ],
)
def test_each_doubt_has_its_limit(signs: dict[str, float], reasons: tuple[Doubt, ...]) -> None:
    assert doubts(signs, KNOWLEDGE, "breast ultrasound") == reasons


def test_without_a_rule_islands_and_border_are_doubts_of_their_own() -> None:
    ragged = GOOD | {"largest_island": 0.3, "border": 0.6, "area": 0.9}
    assert doubts(ragged, None, None) == ("islands", "border")
    assert doubts(GOOD, None, None) == ()


def test_a_damaged_rule_is_refused() -> None:
    with pytest.raises(MedCLIPSegError, match="a weight, a mean and a deviation for each sign"):
        AnswerRule(("certainty",), (1.0, 2.0), (0.0,), (1.0,), 0.0, 0.5)
    with pytest.raises(MedCLIPSegError, match="deviations"):
        AnswerRule(("certainty",), (1.0,), (0.0,), (0.0,), 0.0, 0.5)
    extreme = AnswerRule(("certainty",), (1e300,), (0.0,), (1e-300,), 0.0, 0.5)
    assert expected_dice(GOOD, Knowledge(kinds={}, answer=extreme)) == pytest.approx(1)
