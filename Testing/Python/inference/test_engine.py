"""The Monte-Carlo engine on a small random model."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.preprocess import place, prepare_slice
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.model.noise import SeededNoise
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume


def test_maps_are_what_the_network_says_slice_by_slice(a_model: LoadedModel, a_volume: Volume) -> None:
    result = finish(a_model, a_volume, samples=3, seed=11).prompts[0]
    axis, mapping = choose_axis(a_volume, "auto"), resolve(default_rule(a_volume), a_volume)
    preprocessing, size = a_model.config.preprocessing, a_model.config.image.image_size
    for index in range(axis.count):
        pixels = mapping.apply(axis.extract(a_volume.voxels, index))
        placement = place(pixels.shape, axis.pixel_spacing, size, preprocessing)
        image = prepare_slice(pixels, placement, preprocessing)[None]
        with torch.inference_mode():
            samples = [
                a_model.network(image, a_model.tokenizer(["tumor"]), SeededNoise(11, [(index, s)])).logits.sigmoid()
                for s in range(3)
            ]
            wanted = placement.restore(torch.stack(samples).mean(0))[0].numpy()
        assert np.abs(axis.extract(result.probability, index) - wanted).max() < 1e-5


def test_batch_size_does_not_matter(a_model: LoadedModel, a_volume: Volume) -> None:
    one, three = (finish(a_model, a_volume, samples=7, batch_size=size).prompts[0] for size in (1, 3))
    for name in ("probability", "uncertainty", "mutual_information"):
        assert np.abs(getattr(one, name) - getattr(three, name)).max() < 1e-5
    # Masks agree but where the threshold is met exactly.
    assert np.abs(one.probability[one.mask != three.mask] - 0.5).max(initial=0) < 1e-5


def test_other_slices_do_not_matter(a_model: LoadedModel, a_volume: Volume) -> None:
    whole, part = finish(a_model, a_volume), finish(a_model, a_volume, slices=(2, 4))
    assert part.slice_indices == (2, 3)
    assert np.array_equal(whole.prompts[0].probability[2:4], part.prompts[0].probability[2:4])
    assert not part.prompts[0].probability[[0, 1, 4]].any()
    assert not part.prompts[0].mask[[0, 1, 4]].any()


def test_other_prompts_do_not_matter(a_model: LoadedModel, a_volume: Volume) -> None:
    alone = finish(a_model, a_volume, prompts=("one tumor",)).prompts[0]
    among = finish(a_model, a_volume, prompts=("a very long other prompt", "one tumor")).prompts[1]
    assert among.prompt == "one tumor"
    assert np.abs(alone.probability - among.probability).max() < 1e-5


def test_seed_decides(a_model: LoadedModel, a_volume: Volume) -> None:
    first, again, other = (finish(a_model, a_volume, seed=seed).prompts[0].probability for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


def test_maps_fit_each_other(a_model: LoadedModel, a_picture: Volume) -> None:
    result = finish(a_model, a_picture, samples=6, threshold=0.4).prompts[0]
    p = result.probability.astype(np.float64)
    entropy = -p * np.log(p) - (1 - p) * np.log1p(-p)
    assert np.abs(result.uncertainty - entropy).max() < 1e-5
    assert result.uncertainty.max() <= math.log(2) + 1e-6
    assert result.mutual_information.min() >= 0
    assert result.expected_entropy.min() >= 0
    assert np.abs(result.expected_entropy + result.mutual_information - result.uncertainty).max() < 1e-6
    assert np.array_equal(result.mask, p.astype(np.float32) > 0.4)
    assert result.mutual_information.max() > 1e-5


def test_progress_counts_to_the_end(a_model: LoadedModel, a_volume: Volume) -> None:
    request = SegmentationRequest(volume=a_volume, prompts=("a", "b"), samples=5, batch_size=2)
    *steps, result = run(a_model, request)
    assert isinstance(result, SegmentationResult)
    assert all(isinstance(step, Progress) for step in steps)
    assert [s.part_number for s in steps[:3]] == [2, 4, 5]
    assert len(steps) == 3 * 2 * 5
    assert [s.slice_number for s in steps[::6]] == [1, 2, 3, 4, 5]
    fractions = [s.fraction for s in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert steps[-1].seconds_left == 0


def test_closing_the_generator_cancels(a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    decode = a_model.network.decode
    monkeypatch.setattr(a_model.network, "decode", lambda *a: passes.append(1) or decode(*a))
    steps = run(a_model, SegmentationRequest(volume=a_volume, prompts=("tumor",), samples=8, batch_size=2))
    next(steps)
    next(steps)
    steps.close()
    assert len(passes) == 2
    assert list(steps) == []


def test_memory_does_not_grow_with_the_samples(a_model: LoadedModel, a_picture: Volume) -> None:
    live: list[int] = []
    steps = run(a_model, SegmentationRequest(volume=a_picture, prompts=("tumor",), samples=60, batch_size=2))
    for step in steps:
        if isinstance(step, Progress) and step.part_number in (10, 60):
            live.append(sum(t.numel() for t in _live_tensors()))
    assert len(live) == 2
    assert live[1] == live[0]


def _live_tensors() -> list[torch.Tensor]:
    import gc

    gc.collect()
    return [item for item in gc.get_objects() if type(item) is torch.Tensor]


def test_bad_voxels_and_constant_images_do_not_crash(a_model: LoadedModel, a_volume: Volume) -> None:
    holes = a_volume.voxels.copy()
    holes[0, :5] = np.nan
    holes[1, 0, 0] = np.inf
    for voxels in (holes, np.zeros_like(holes), np.full_like(holes, np.nan)):
        result = finish(a_model, dataclasses.replace(a_volume, voxels=voxels), samples=2)
        assert np.isfinite(result.prompts[0].probability).all()


def test_non_finite_voxels_change_nothing_elsewhere(a_model: LoadedModel, a_volume: Volume) -> None:
    low = a_volume.voxels.min()
    marked, filled = a_volume.voxels.copy(), a_volume.voxels.copy()
    marked[0, 0, 0], filled[0, 0, 0] = np.nan, low
    rule = {"intensity": _window(20, 180), "samples": 2}
    results = [finish(a_model, dataclasses.replace(a_volume, voxels=v), **rule) for v in (marked, filled)]
    assert np.array_equal(results[0].prompts[0].probability, results[1].prompts[0].probability)


def _window(low: float, high: float) -> Any:
    from MedCLIPSegLogic.volumes.intensity import window

    return window(high - low, (high + low) / 2)


def test_settings_are_recorded(a_model: LoadedModel, a_volume: Volume) -> None:
    settings = finish(a_model, a_volume, seed=3, slices=(1, 3), plane="coronal").settings
    assert settings["model_hash"] == a_model.model_hash
    assert (settings["seed"], settings["slices"], settings["plane"]) == (3, [1, 3], "coronal")
    assert settings["intensity"]["rule"] == "percentile"


def test_bad_requests_are_named(a_model: LoadedModel, a_volume: Volume) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"prompts": ()}, "prompt is empty"),
        ({"prompts": ("  ",)}, "prompt is empty"),
        ({"prompts": ("a", "a")}, "given twice"),
        ({"samples": 0}, "samples is 0"),
        ({"samples": 1001}, "samples is 1001"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"prompts": ("a", "b"), "threshold": (0.5,)}, "1 thresholds for 2 prompts"),
        ({"prompts": ("a", "b"), "threshold": ()}, "0 thresholds for 2 prompts"),
        ({"prompts": ("a", "b"), "threshold": (0.5, 1.0)}, "threshold is 1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"batch_size": 0}, "batch size is 0"),
        ({"slices": (3, 9)}, "slice range"),
        ({"slices": (3, 3)}, "slice range"),
    ]
    for settings, words in refused:
        with pytest.raises(MedCLIPSegError, match=words):
            finish(a_model, a_volume, **settings)


@pytest.mark.parametrize("previews", [False, True])
def test_probabilities_that_are_no_numbers_are_refused(previews: bool, a_model: LoadedModel, a_volume: Volume) -> None:
    with torch.no_grad():  # numbers, but their sums are none
        for parameter in a_model.network.mask_head.parameters():
            parameter.fill_(3e38)
    with pytest.raises(MedCLIPSegError, match=r"gives values that are no numbers on slice \d; .* models verify"):
        for _ in run(a_model, SegmentationRequest(a_volume, ("tumor",), samples=2), previews):
            pass


def test_too_little_memory_is_said(a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedCLIPSegLogic.inference.device.free_memory", lambda device: 100_000)
    with pytest.raises(MedCLIPSegError, match="memory"):
        finish(a_model, a_volume, prompts=("a", "b"))


def test_missing_cuda_is_said(a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MedCLIPSegError, match="no CUDA"):
        finish(a_model, a_volume, device="cuda")


def test_only_memory_running_out_is_told_in_words(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_with(error: Exception) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(a_model.network, "decode", fail)

    no_memory = RuntimeError("DefaultCPUAllocator: can't allocate memory")
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA"), no_memory):
        fail_with(error)
        with pytest.raises(MedCLIPSegError, match="too little memory to segment a_volume"):
            finish(a_model, a_volume)
    fail_with(RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        finish(a_model, a_volume)


def test_mean_uncertainty_of_an_empty_mask_covers_the_segmented_slices_only(
    a_model: LoadedModel, a_volume: Volume
) -> None:
    result = finish(a_model, a_volume, slices=(1, 3), threshold=0.999999).prompts[0]
    assert not result.mask.any()
    assert result.mean_uncertainty == pytest.approx(float(result.uncertainty[1:3].mean()), rel=1e-5)
