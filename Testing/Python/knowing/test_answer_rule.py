"""Learning from answers which signs tell a bad one."""

from __future__ import annotations

import dataclasses
from math import exp
from pathlib import Path

import numpy as np
import pytest

from MedCLIPSegLab.data.prompt_sheets import ORIGINAL, find_sheets
from MedCLIPSegLab.knowing.answer_rule import FALSE_SHARE, MeasuredAnswer, learned_rule, measured_answers, thirds
from MedCLIPSegLogic.knowledge.answer import dice_by_rule
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.model.library import load_model


def made_answers(count: int = 400) -> list[MeasuredAnswer]:
    """Answers whose Dice follows certainty and agreement by a known rule; the border has nothing to do with it."""
    rng = np.random.default_rng(3)
    answers = []
    for number in range(count):
        certainty, agreement, border = rng.normal(0.9, 0.05), rng.normal(0.8, 0.2), abs(rng.normal(0, 0.05))
        dice = 1 / (1 + exp(-(1 + 2 * (certainty - 0.9) / 0.05 + (agreement - 0.8) / 0.2)))
        signs = {"certainty": certainty, "agreement": agreement, "border": border, "area": 0.1, "thing tumor": 1.0}
        if number % 4 == 0:
            del signs["agreement"]
            dice = 1 / (1 + exp(-(1 + 2 * (certainty - 0.9) / 0.05)))
        answers.append(MeasuredAnswer(f"{number // 2}.jpg", signs, dice))
    return answers


def test_the_rule_that_made_the_answers_is_found_again() -> None:
    answers = made_answers()
    rule = learned_rule(answers)
    assert rule is not None
    weights = dict(zip(rule.signs, rule.weights, strict=True))
    deviations = dict(zip(rule.signs, rule.deviations, strict=True))
    assert weights["certainty"] / deviations["certainty"] == pytest.approx(2 / 0.05, rel=0.15)
    assert weights["agreement"] / deviations["agreement"] == pytest.approx(1 / 0.2, rel=0.15)
    assert abs(weights["border"]) < 0.05
    expected = np.array([dice_by_rule(answer.signs, rule) for answer in answers])
    dice = np.array([answer.dice for answer in answers])
    assert np.abs(expected - dice).mean() < 0.03
    assert (expected[dice >= 0.5] < rule.limit).mean() == pytest.approx(FALSE_SHARE, abs=0.02)
    assert learned_rule(answers[::-1]) == rule


@pytest.mark.parametrize("dice", [0.2, 0.8])
def test_nothing_is_learned_from_answers_of_one_kind(dice: float) -> None:
    assert learned_rule([dataclasses.replace(answer, dice=dice) for answer in made_answers(60)]) is None


def test_an_uncertainty_is_told_by_the_thirds_of_the_answers() -> None:
    spread = [dataclasses.replace(a, uncertainty=n / 100) for n, a in enumerate(made_answers(70))]
    knowledge = Knowledge({}, uncertainty=thirds([*spread, made_answers(1)[0]]))
    assert knowledge.uncertainty == pytest.approx((0.23, 0.46))
    assert [knowledge.level_of(nats) for nats in (0.1, 0.23, 0.3, 0.5)] == ["low", "low", "medium", "high"]
    assert thirds(spread[:20]) is None
    assert Knowledge({}).level_of(0.1) is None


@pytest.mark.slow
def test_the_demo_case_is_asked_in_its_own_words_and_for_the_thing_alone(breasts: Path) -> None:
    kind = KnownKind(images=9, things={"tumor": KnownThing(images=9, dice=0.8)})
    words = ("one", "tumor", "breast", "ultrasound", "image")
    knowledge = Knowledge({"breast ultrasound": kind}, {word: {"breast ultrasound": 9} for word in words})
    model = dataclasses.replace(load_model("mini"), knowledge=knowledge)
    [sheet] = find_sheets([breasts], [ORIGINAL], "Val")
    answers = list(measured_answers(model, sheet))
    assert [answer.image for answer in answers] == ["a.jpg"] * 2
    for answer in answers:
        assert answer.dice > 0.8
        assert answer.signs["certainty"] > 0.7
        assert answer.signs["agreement"] > 0.5
        assert answer.uncertainty is not None
    assert list(measured_answers(model, sheet)) == answers
