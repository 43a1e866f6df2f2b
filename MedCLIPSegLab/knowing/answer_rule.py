"""Learn from validation images which signs tell a bad answer."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.plane_choice import choose_plane
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.knowledge.answer import THING_SIGN, dice_by_rule, is_outline, standardized
from MedCLIPSegLogic.knowledge.known import AnswerRule
from MedCLIPSegLogic.model.library import LoadedModel

from ..data.prompt_sheets import PromptSheet
from ..data.rewording import bare_thing
from ..metrics import dice_score

SIGNS = ("certainty", "extent", "border", "compactness", "agreement")
"""Those that helped on the Val folders of the model ``mini``, beside the thing that is asked for."""
GOOD = 0.5
"""Dice from which an answer is good."""
FALSE_SHARE = 0.1
"""Share of the good answers that may be called doubtful by the limit, on images the rule was not learned from."""
SAMPLES = 5
MOST_SLICES = 500
"""Slices of a sheet that are segmented: all pictures of most sets, but only some of the volumes."""
LEAST_BAD, LEAST_GOOD, LEAST_OF_THING = 10, 30, 8
"""Answers without which nothing is learned, or nothing about a thing."""
FOLDS = 5
RIDGE = 3.0
STEPS = 20
LEAST_DEVIATION = 1e-3


@dataclass(frozen=True)
class MeasuredAnswer:
    """An answer that is not empty.

    Args:
        image: it is about.
        signs: by name.
        dice: with the known mask, 0…1.
        uncertainty: mean inside the mask, nats; None where it is unknown.
    """

    image: str
    signs: Mapping[str, float]
    dice: float
    uncertainty: float | None = None


def measured_answers(model: LoadedModel, sheet: PromptSheet) -> Iterator[MeasuredAnswer]:
    """The answers to the prompts of a sheet and to the things alone, where they outline something.

    Args:
        model: with knowledge.
        sheet: of images with known masks.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    rows, slices = sheet.rows(), 0
    for number in np.random.default_rng(0).permutation(len(rows)):
        if slices >= MOST_SLICES:
            return
        row = rows[int(number)]
        volume = sheet.image(row)
        truth = sheet.truth(row, volume)
        prompts = tuple(dict.fromkeys((row.description, bare_thing(row.description))))
        plane, _ = choose_plane(volume, prompts, SegmentationRequest.plane, model.knowledge)
        request = SegmentationRequest(volume, prompts, plane=plane, samples=SAMPLES, judge=True)
        result = to_the_end(run(model, request))
        slices += len(result.slice_indices)
        for answer in result.prompts:
            if answer.verdict is not None and is_outline(answer.verdict.signs):
                dice = dice_score(answer.mask > 0, truth)
                yield MeasuredAnswer(row.image, answer.verdict.signs, dice, answer.mean_uncertainty)


def learned_rule(answers: Sequence[MeasuredAnswer]) -> AnswerRule | None:
    """The rule that fits answers; its limit is chosen on answers that a rule without them was asked about.

    Args:
        answers: in any order, which does not matter.

    Returns:
        The rule; None where there are too few bad or too few good answers.
    """
    good = np.array([answer.dice >= GOOD for answer in answers], bool)
    if good.sum() < LEAST_GOOD or (~good).sum() < LEAST_BAD:
        return None
    folds = np.array([zlib.crc32(answer.image.encode()) % FOLDS for answer in answers])
    expected = np.zeros(len(answers))
    for fold in set(folds):
        rule = _fitted([answer for answer, own in zip(answers, folds, strict=True) if own != fold])
        for number in np.flatnonzero(folds == fold):
            expected[number] = dice_by_rule(answers[int(number)].signs, rule)
    return replace(_fitted(answers), limit=round(float(np.quantile(expected[good], FALSE_SHARE)), 3))


def thirds(answers: Sequence[MeasuredAnswer]) -> tuple[float, float] | None:
    """Uncertainty in nats that a third, and two thirds, of the answers do not exceed; None for fewer than 30."""
    known = [answer.uncertainty for answer in answers if answer.uncertainty is not None]
    if len(known) < LEAST_GOOD:
        return None
    low, high = np.quantile(known, (1 / 3, 2 / 3))
    return round(float(low), 3), round(float(high), 3)


def _fitted(answers: Sequence[MeasuredAnswer]) -> AnswerRule:
    """The rule without a limit, by ridge logistic regression on the Dice itself."""
    things = Counter(name for answer in answers for name in answer.signs if name.startswith(THING_SIGN))
    names = [*SIGNS, *sorted(name for name, count in things.items() if count >= LEAST_OF_THING)]
    columns = [_column([answer.signs.get(name) for answer in answers], name) for name in names]
    shape = AnswerRule(
        signs=tuple(names),
        weights=(0.0,) * len(names),
        means=tuple(mean for mean, _ in columns),
        deviations=tuple(deviation for _, deviation in columns),
        bias=0.0,
        limit=0.0,
    )
    values = np.array([[*standardized(answer.signs, shape), 1.0] for answer in answers])
    *weights, bias = _logistic(values, np.array([answer.dice for answer in answers]))
    return replace(shape, weights=tuple(round(float(weight), 4) for weight in weights), bias=round(float(bias), 4))


def _column(values: Sequence[float | None], name: str) -> tuple[float, float]:
    """Mean and deviation of a sign where it is known; a thing is not standardized, so that its absence is 0."""
    known = np.array([value for value in values if value is not None])
    if name.startswith(THING_SIGN) or not len(known):
        return 0.0, 1.0
    return round(float(known.mean()), 4), max(round(float(known.std()), 4), LEAST_DEVIATION)


def _logistic(values: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (C,) for which the logistic of ``values`` (N, C) comes closest to ``wanted`` (N,), by Newton's method.

    Cross-entropy, and a ridge on all weights but the last one, the bias.
    """
    ridge = RIDGE * np.eye(values.shape[1])
    ridge[-1, -1] = 0
    weights = np.zeros(values.shape[1])
    for _ in range(STEPS):
        reached = 1 / (1 + np.exp(-values @ weights))
        slope = values.T @ (reached - wanted) + ridge @ weights
        curvature = (values * (reached * (1 - reached))[:, None]).T @ values + ridge
        weights -= np.linalg.solve(curvature, slope)
    return weights
