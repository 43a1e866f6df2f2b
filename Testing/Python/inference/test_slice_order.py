"""The order of the slices, and thresholds of their own for the prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult, SlicePreview, to_the_end
from MedCLIPSegLogic.inference.slice_order import outwards, slice_indices
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.volume import Volume


@pytest.mark.parametrize(
    ("start", "order"),
    [
        (None, [2, 3, 4, 5, 6]),
        (4, [4, 5, 3, 6, 2]),
        (2, [2, 3, 4, 5, 6]),
        (3, [3, 4, 2, 5, 6]),
        (6, [6, 5, 4, 3, 2]),
        (-5, [2, 3, 4, 5, 6]),
        (99, [6, 5, 4, 3, 2]),
    ],
)
def test_slices_follow_outwards(start: int | None, order: list[int]) -> None:
    assert outwards(slice_indices((2, 7), 9), start) == order


def test_the_given_slices_are_left_as_they_are() -> None:
    indices = slice_indices(None, 4)
    outwards(indices, 2)
    assert indices == [0, 1, 2, 3]


def test_the_engine_keeps_the_order(a_model: LoadedModel, a_volume: Volume) -> None:
    request = SegmentationRequest(
        volume=a_volume, prompts=("tumor", "organ"), samples=2, slices=(1, 5), start_slice=2, batch_size=2
    )
    *steps, result = run(a_model, request, previews=True)
    assert isinstance(result, SegmentationResult)
    shown = [step.slice_index for step in steps if isinstance(step, SlicePreview) and step.samples == 2]
    assert shown == [2, 2, 3, 3, 1, 1, 4, 4]
    numbers = [step.slice_number for step in steps if isinstance(step, Progress)]
    assert numbers == [1] * 2 + [2] * 2 + [3] * 2 + [4] * 2
    assert result.slice_indices == (1, 2, 3, 4)


@pytest.mark.parametrize("start", [0, 2, 4, 77])
def test_the_order_does_not_matter(a_model: LoadedModel, a_volume: Volume, start: int) -> None:
    rising, outward = finish(a_model, a_volume), finish(a_model, a_volume, start_slice=start)
    assert outward.slice_indices == rising.slice_indices
    assert outward.settings == rising.settings
    for one, other in zip(rising.prompts, outward.prompts, strict=True):
        for name in ("probability", "uncertainty", "mutual_information", "mask"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert one.mean_uncertainty == other.mean_uncertainty


def test_every_prompt_has_its_threshold(a_model: LoadedModel, a_volume: Volume) -> None:
    first, second = finish(a_model, a_volume, prompts=("a", "b"), threshold=(0.45, 0.55)).prompts
    assert (first.threshold, second.threshold) == (0.45, 0.55)
    for prompt in (first, second):
        assert np.array_equal(prompt.mask, prompt.probability > prompt.threshold)
    # Both thresholds cut the same values, or the masks above would say nothing.
    assert np.any((first.probability > 0.45) != (first.probability > 0.55))


@pytest.mark.parametrize(
    ("threshold", "thresholds", "recorded"),
    [(0.4, (0.4, 0.4), 0.4), ((0.3, 0.3), (0.3, 0.3), 0.3), ((0.3, 0.6), (0.3, 0.6), [0.3, 0.6])],
)
def test_thresholds_are_recorded(
    a_model: LoadedModel, a_picture: Volume, threshold: Any, thresholds: tuple[float, ...], recorded: Any
) -> None:
    request = SegmentationRequest(volume=a_picture, prompts=("a", "b"), samples=1, threshold=threshold)
    assert request.thresholds == thresholds
    result = to_the_end(run(a_model, request))
    assert isinstance(result, SegmentationResult)
    assert result.settings["threshold"] == recorded
    assert tuple(prompt.threshold for prompt in result.prompts) == thresholds


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        ((0.5,), "1 thresholds for 2 prompts"),
        ((0.5, 0.5, 0.5), "3 thresholds for 2 prompts"),
        ((), "0 thresholds for 2 prompts"),
        ((0.5, 1.0), "threshold is 1.0"),
        ((0.0, 0.5), "threshold is 0.0"),
        ((0.5, float("nan")), "threshold is nan"),
    ],
)
def test_thresholds_that_do_not_fit_are_named(a_volume: Volume, threshold: tuple[float, ...], words: str) -> None:
    with pytest.raises(MedCLIPSegError, match=words):
        SegmentationRequest(volume=a_volume, prompts=("a", "b"), threshold=threshold)
