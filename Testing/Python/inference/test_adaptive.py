"""As many samples as a slice needs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import AdaptiveSampling, SegmentationRequest
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult, SlicePreview
from MedCLIPSegLogic.inference.uncertainty import RunningSums, has_settled
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.volume import Volume

RULE = AdaptiveSampling()
NEVER = AdaptiveSampling(mask_change=0, entropy_change=0)
ALWAYS = AdaptiveSampling(mask_change=1e9, entropy_change=1e9)


def sums_of(samples: torch.Tensor) -> RunningSums:
    sums = RunningSums.zeros(samples.shape[-1], samples.device)
    for part in samples.split(2):
        sums.add(part)
    return sums


def disk(spread: float, count: int, seed: int = 0) -> torch.Tensor:
    """Samples of a disk with a soft edge; each sample is brighter or darker as a whole."""
    row, column = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    logits = (15 - ((row - 32) ** 2 + (column - 32) ** 2).sqrt()) / 2
    shift = torch.randn(count, 1, 1, generator=torch.Generator().manual_seed(seed))
    return (logits + spread * shift).sigmoid()


def test_the_rule_is_looked_at_after_growing_numbers() -> None:
    assert RULE.counts(30) == [3, 5, 8, 12, 18, 27, 30]
    assert RULE.counts(2) == [2]
    assert AdaptiveSampling(minimum=10).counts(12) == [10, 12]


def test_equal_samples_settle_at_once_and_different_ones_do_not() -> None:
    assert has_settled(RULE, sums_of(disk(0.0, 3)), 0.5, 30)
    assert has_settled(RULE, sums_of(disk(0.01, 3)), 0.5, 30)
    assert not has_settled(RULE, sums_of(disk(1.0, 3)), 0.5, 30)
    # Nothing is left to settle when all samples are drawn.
    assert has_settled(NEVER, sums_of(disk(1.0, 30)), 0.5, 30)


def test_the_threshold_decides_which_pixels_may_change() -> None:
    samples = torch.full((4, 8, 8), 0.6) + 0.02 * torch.linspace(-1, 1, 4)[:, None, None]
    assert has_settled(ALWAYS, sums_of(samples), 0.5, 30)
    only_mask = AdaptiveSampling(mask_change=0.01, entropy_change=1)
    noisy = samples + torch.rand(8, 8, generator=torch.Generator().manual_seed(1)) * 0.3
    assert has_settled(only_mask, sums_of(noisy), 0.5, 30)
    assert not has_settled(only_mask, sums_of(noisy), 0.75, 30)


def test_the_limits_of_the_mask_and_of_the_entropy_are_what_the_rule_says() -> None:
    samples, total = disk(0.3, 5, seed=4).double(), 30
    mean, deviation = samples.mean(0).numpy(), samples.std(0, correction=1).numpy()
    error = deviation * np.sqrt(1 / 5 - 1 / total)
    change = stats.norm.cdf(-np.abs(mean - 0.5) / error).sum() / (mean > 0.5).sum()
    entropy = stats.bernoulli(mean).entropy()
    moved = [np.abs(stats.bernoulli(np.clip(mean + e, 0, 1)).entropy() - entropy) for e in (error, -error)]
    blur = np.sqrt((np.maximum(*moved) ** 2).mean()) / entropy.std()
    sums = sums_of(samples.float())
    for factor, wanted in ((1.01, True), (0.99, False)):
        assert has_settled(AdaptiveSampling(3, factor * change, 1), sums, 0.5, total) is wanted
        assert has_settled(AdaptiveSampling(3, 1, factor * blur), sums, 0.5, total) is wanted


def test_the_variance_of_nearly_equal_samples_is_exact() -> None:
    samples = 0.7 + 1e-4 * torch.randn(9, 6, 6, generator=torch.Generator().manual_seed(2))
    wanted = samples.double().var(0)
    assert torch.allclose(sums_of(samples).variance().double(), wanted, rtol=1e-3)


def test_a_slice_that_settles_is_the_mean_of_its_first_samples(a_model: LoadedModel, a_volume: Volume) -> None:
    few, three = finish(a_model, a_volume, samples=30, adaptive=ALWAYS), finish(a_model, a_volume, samples=3)
    assert few.prompts[0].samples_drawn == (3,) * 5
    assert np.abs(few.prompts[0].probability - three.prompts[0].probability).max() < 1e-5


def test_a_slice_that_never_settles_gets_all_samples(a_model: LoadedModel, a_picture: Volume) -> None:
    result = finish(a_model, a_picture, adaptive=NEVER, samples=9)
    assert result.prompts[0].samples_drawn == (9,)
    every = finish(a_model, a_picture, samples=9)
    assert np.abs(result.prompts[0].probability - every.prompts[0].probability).max() < 1e-5


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_neither_batch_size_nor_company_decides_how_many(
    a_model: LoadedModel, a_volume: Volume, batch_size: int
) -> None:
    rule = {"adaptive": AdaptiveSampling(mask_change=0.04), "threshold": 0.52}
    alone = finish(a_model, a_volume, samples=30, **rule)
    drawn = alone.prompts[0].samples_drawn
    assert len(set(drawn)) > 1, drawn
    among = finish(a_model, a_volume, samples=30, prompts=("a", "tumor"), start_slice=3, batch_size=batch_size, **rule)
    assert among.prompts[1].samples_drawn == drawn
    assert np.abs(alone.prompts[0].probability - among.prompts[1].probability).max() < 1e-5


def test_the_rule_is_recorded(a_model: LoadedModel, a_picture: Volume) -> None:
    assert finish(a_model, a_picture, samples=2).settings["adaptive"] is None
    settings = finish(a_model, a_picture, samples=2, adaptive=RULE).settings
    assert (
        settings["adaptive"]
        == dataclasses.asdict(RULE)
        == {
            "minimum": 3,
            "mask_change": 0.015,
            "entropy_change": 0.15,
        }
    )


def test_progress_comes_to_an_end_and_previews_tell_the_samples(a_model: LoadedModel, a_volume: Volume) -> None:
    request = SegmentationRequest(volume=a_volume, prompts=("a", "tumor"), adaptive=ALWAYS, start_slice=2)
    *steps, result = run(a_model, request, previews=True)
    progress = [step for step in steps if isinstance(step, Progress)]
    previews = [step for step in steps if isinstance(step, SlicePreview)]
    fractions = [step.fraction for step in progress]
    assert fractions == sorted(fractions)
    assert progress[-1].fraction == 1
    assert progress[-1].seconds_left == 0
    assert [(p.slice_index, p.samples) for p in previews[:4]] == [(2, 0), (2, 3)] * 2
    assert {p.samples for p in previews[4:]} == {3}
    assert isinstance(result, SegmentationResult)
    for prompt_number in (0, 1):
        last = [p for p in previews if (p.slice_index, p.prompt_number) == (4, prompt_number)][-1]
        assert np.array_equal(last.probability, result.prompts[prompt_number].probability[4])


def test_bad_rules_are_named() -> None:
    for settings in ({"minimum": 2}, {"mask_change": -0.1}, {"entropy_change": float("nan")}):
        with pytest.raises(MedCLIPSegError, match=r"samples|change"):
            AdaptiveSampling(**settings)
