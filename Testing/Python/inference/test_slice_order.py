"""The order of the slices, and thresholds of their own for the prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
from small_runs import finish

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult, SlicePreview
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.planes import outwards, slice_indices
from MedCLIPSegLogic.volumes.volume import Volume


def test_slices_follow_outwards() -> None:
    indices = slice_indices((2, 7), 9)
    for start, order in (
        (None, [2, 3, 4, 5, 6]),
        (4, [4, 5, 3, 6, 2]),
        (2, [2, 3, 4, 5, 6]),
        (3, [3, 4, 2, 5, 6]),
        (6, [6, 5, 4, 3, 2]),
        (-5, [2, 3, 4, 5, 6]),
        (99, [6, 5, 4, 3, 2]),
    ):
        assert outwards(indices, start) == order
    assert indices == [2, 3, 4, 5, 6]


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


def test_the_order_does_not_matter(a_model: LoadedModel, a_volume: Volume) -> None:
    rising = finish(a_model, a_volume)
    for start in (2, 77):
        outward = finish(a_model, a_volume, start_slice=start)
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


def test_thresholds_are_recorded(a_model: LoadedModel, a_picture: Volume) -> None:
    cases: list[tuple[Any, tuple[float, ...], Any]] = [
        (0.4, (0.4, 0.4), 0.4),
        ((0.3, 0.3), (0.3, 0.3), 0.3),
        ((0.3, 0.6), (0.3, 0.6), [0.3, 0.6]),
    ]
    for threshold, thresholds, recorded in cases:
        result = finish(a_model, a_picture, prompts=("a", "b"), samples=1, threshold=threshold)
        assert result.settings["threshold"] == recorded
        assert tuple(prompt.threshold for prompt in result.prompts) == thresholds
