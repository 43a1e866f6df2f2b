"""Means, intervals and rank correlations."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from scipy import stats

from MedCLIPSegLab.evaluation.evaluate import mean_pairwise_dice
from MedCLIPSegLab.evaluation.pixels import PixelStatistics
from MedCLIPSegLab.evaluation.scoring import Score
from MedCLIPSegLab.evaluation.summary import bootstrap_interval, image_risks, spearman, summarize
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.volume import Volume


def a_score(**values: Any) -> Score:
    texts = {"set", "style", "image", "prompt", "unit"}
    return Score(**{field.name: "" if field.name in texts else 0.5 for field in fields(Score)} | values)


@pytest.fixture
def some_pixels() -> PixelStatistics:
    probability = np.linspace(0.01, 0.99, 64, dtype=np.float32).reshape(1, 8, 8)
    entropy = -probability * np.log(probability) - (1 - probability) * np.log(1 - probability)
    mask = probability > 0.5
    return PixelStatistics.of(mask, np.roll(mask, 1, 1), probability, entropy, 0 * entropy)


def test_an_interval_is_about_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(0.7, 0.1, 400)
    low, high = bootstrap_interval(values.tolist()) or (0, 0)
    standard_error = values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - 1.96 * standard_error, abs=0.2 * standard_error)
    assert high == pytest.approx(values.mean() + 1.96 * standard_error, abs=0.2 * standard_error)
    assert bootstrap_interval(values.tolist()) == [low, high]


def test_few_values() -> None:
    for values, interval in [([], None), ([0.5], None), ([0.5, 0.5], [0.5, 0.5])]:
        assert bootstrap_interval(values) == interval


def test_undefined_scores_are_left_out_and_counted(some_pixels: PixelStatistics) -> None:
    scores = [a_score(hd95=2.0), a_score(hd95=None), a_score(hd95=4.0)]
    summary = summarize(scores, some_pixels)
    assert (summary["hd95_mean"], summary["hd95_count"]) == (3.0, 2)
    assert "dice_count" not in summary
    none = summarize([a_score(nsd_published=None)], some_pixels)
    assert (none["nsd_published_mean"], none["nsd_published_interval"], none["nsd_published_count"]) == (None, None, 0)


def test_pooled_values_are_those_of_the_pixels(some_pixels: PixelStatistics) -> None:
    pooled = summarize([a_score()], some_pixels)["pooled"]
    assert pooled["auroc_entropy"] == some_pixels.entropy.auroc
    assert pooled["brier"] == some_pixels.reliability.brier
    assert pooled["auroc_mutual_information"] == 0.5


def test_uncertain_images_that_are_wrong_correlate() -> None:
    rng = np.random.default_rng(1)
    dices, uncertainties = rng.random(30), rng.random(30)
    scores = [a_score(dice=dice, mean_uncertainty=u) for dice, u in zip(dices, uncertainties, strict=True)]
    assert spearman(scores) == pytest.approx(stats.spearmanr(uncertainties, 1 - dices).statistic)
    assert spearman([a_score(dice=1 - u, mean_uncertainty=u) for u in uncertainties]) == pytest.approx(1)
    assert spearman([a_score(), a_score()]) is None


def test_surest_images_come_first() -> None:
    scores = [a_score(dice=dice, mean_uncertainty=u) for dice, u in ((0.2, 0.9), (1.0, 0.1), (0.6, 0.5))]
    np.testing.assert_allclose(image_risks(scores), [0.0, 0.2, 0.4])


def test_samples_are_compared_with_each_other(a_model: LoadedModel, a_picture: Volume) -> None:
    dice = mean_pairwise_dice(a_model, a_picture, "tumor")
    assert 0 <= dice < 1  # strong noise: see the model's fixture
    assert mean_pairwise_dice(a_model, a_picture, "tumor") == dice
