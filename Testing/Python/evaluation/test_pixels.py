"""Calibration and error detection against plain definitions and scipy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from MedCLIPSegLab.evaluation.pixels import (
    RELIABILITY_BINS,
    ErrorDetection,
    PixelStatistics,
    Reliability,
    near_boundary,
)
from MedCLIPSegLogic.inference.result import MAX_ENTROPY


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def auroc(score: np.ndarray, wrong: np.ndarray) -> float:
    """By the rank sum of scipy."""
    statistic = stats.mannwhitneyu(score[wrong], score[~wrong]).statistic
    return float(statistic / (wrong.sum() * (~wrong).sum()))


def test_calibrated_probabilities_have_no_calibration_error(rng: np.random.Generator) -> None:
    probability = rng.random(200_000).astype(np.float32)
    bins = Reliability.of(probability, rng.random(200_000) < probability)
    assert bins.expected_calibration_error < 0.01
    assert bins.brier == pytest.approx(1 / 6, abs=0.003)


def test_overconfident_probabilities_do(rng: np.random.Generator) -> None:
    truth = rng.random(100_000) < 0.7
    bins = Reliability.of(np.where(truth | True, 0.95, 0.0).astype(np.float32), truth)
    assert bins.expected_calibration_error == pytest.approx(0.25, abs=0.01)


def test_plain_definitions(rng: np.random.Generator) -> None:
    probability = rng.random(5000).astype(np.float32) ** 2
    truth = rng.random(5000) < 0.3
    edges = np.linspace(0, 1, RELIABILITY_BINS + 1)
    expected = 0.0
    for low, high in pairwise(edges):
        inside = (probability >= low) & (probability < high)
        expected += inside.sum() / 5000 * abs(probability[inside].mean() - truth[inside].mean())
    bins = Reliability.of(probability, truth)
    assert bins.expected_calibration_error == pytest.approx(expected, abs=1e-6)
    assert bins.brier == pytest.approx(np.mean((probability - truth) ** 2), abs=1e-6)


def test_certain_and_right(rng: np.random.Generator) -> None:
    truth = rng.random(1000) < 0.5
    bins = Reliability.of(truth.astype(np.float32), truth)
    assert (bins.brier, bins.expected_calibration_error) == (0, 0)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_auroc_is_that_of_scipy(rng: np.random.Generator, shift: float) -> None:
    wrong = rng.random(20_000) < 0.2
    score = np.clip(rng.normal(0.2 + shift * wrong, 0.1), 0, MAX_ENTROPY).astype(np.float32)
    assert ErrorDetection.of(score, wrong).auroc == pytest.approx(auroc(score, wrong), abs=1e-3)


def test_equal_scores_are_chance() -> None:
    detection = ErrorDetection.of(np.full(10, 0.3, np.float32), np.arange(10) < 4)
    assert detection.auroc == 0.5


def test_auroc_needs_both_kinds() -> None:
    for wrong in [False, True]:
        assert ErrorDetection.of(np.zeros(5, np.float32), np.full(5, wrong)).auroc is None


def test_risk_coverage_is_that_of_sorted_pixels(rng: np.random.Generator) -> None:
    score = (rng.permutation(4000) / 4000 * MAX_ENTROPY).astype(np.float32)
    wrong = rng.random(4000) < score
    in_order = wrong[np.argsort(score)]
    risks = np.cumsum(in_order) / np.arange(1, 4001)
    detection = ErrorDetection.of(score, wrong)
    assert detection.aurc == pytest.approx(risks.mean(), abs=2e-3)
    coverage, risk = detection.risk_coverage
    assert (coverage[-1], risk[-1]) == (1.0, pytest.approx(wrong.mean()))
    assert np.interp(0.5, coverage, risk) == pytest.approx(risks[1999], abs=2e-3)


def test_a_useful_score_has_a_smaller_area(rng: np.random.Generator) -> None:
    wrong = rng.random(5000) < 0.1
    useful = np.clip(0.5 * wrong + 0.1 * rng.random(5000), 0, MAX_ENTROPY).astype(np.float32)
    useless = (MAX_ENTROPY * rng.random(5000)).astype(np.float32)
    assert ErrorDetection.of(useful, wrong).aurc < 0.1 * ErrorDetection.of(useless, wrong).aurc


def test_images_add_up_to_their_pixels(rng: np.random.Generator) -> None:
    maps, total = [], PixelStatistics()
    for shape in ((1, 24, 30), (3, 24, 30)):
        probability = rng.random(shape).astype(np.float32)
        entropy = -probability * np.log(probability) - (1 - probability) * np.log(1 - probability)
        truth = np.zeros(shape, bool)
        truth[:, 5:15, 5:15] = True
        total = total + PixelStatistics.of(probability > 0.5, truth, probability, entropy, 0.1 * entropy)
        maps.append((entropy.ravel(), probability.ravel(), truth.ravel()))
    uncertainty, probability, truth = map(np.concatenate, zip(*maps, strict=True))
    wrong = (probability > 0.5) != truth
    assert total.entropy.auroc == pytest.approx(auroc(uncertainty, wrong), abs=1e-3)
    assert total.reliability.brier == pytest.approx(np.mean((probability - truth) ** 2), abs=1e-6)
    assert total.entropy.right.sum() + total.entropy.wrong.sum() == 4 * 24 * 30
    assert total.boundary.right.sum() + total.boundary.wrong.sum() < 4 * 24 * 30


def test_near_the_boundary_is_within_five_pixels_on_both_sides() -> None:
    truth = np.zeros((1, 1, 40), bool)
    truth[..., 20:] = True
    assert np.flatnonzero(near_boundary(truth)).tolist() == list(range(15, 25))
    assert not near_boundary(np.zeros((1, 4, 4), bool)).any()
    assert not near_boundary(np.ones((1, 4, 4), bool)).any()
