"""Answers smoothed across the slices."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats
from scipy.special import expit, logit
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference import judging, smoothing
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.maps import PromptMaps
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import SegmentationResult, SlicePreview
from MedCLIPSegLogic.inference.smoothing import smooth
from MedCLIPSegLogic.knowledge.sight import ImageSight
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume


def gaussian(probability: NDArray[np.float32], sigma: float, axis: int) -> NDArray[np.float64]:
    logits = logit(np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6))
    return expit(ndimage.gaussian_filter1d(logits, sigma, axis=axis, mode="nearest"))


def smoothed(
    volume: Volume, plane: str, probability: NDArray[np.float32], sigma: float, skipped: tuple[int, ...] = ()
) -> PromptMaps:
    """Maps with these probabilities on all slices but those that were skipped, smoothed."""
    axis = choose_axis(volume, plane)
    maps = PromptMaps.zeros(volume.shape, 0.5, keep_maps=True)
    for index in range(axis.count):
        if index not in skipped:
            maps.insert_score(axis, index, axis.extract(probability, index))
    assert maps.mutual_information is not None
    maps.mutual_information[...] = 0.3
    for _ in smooth(maps, axis, range(axis.count), sigma):
        pass
    return maps


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_it_is_the_gaussian_of_the_logits(plane: str, a_volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing, "BLOCK_VOXELS", 300)  # many blocks
    probability = np.random.default_rng(0).beta(0.3, 0.3, a_volume.shape).astype(np.float32)
    probability[2, :9] = [[0.0], [1.0], [1e-9]] * 3
    maps = smoothed(a_volume, plane, probability, 0.8)
    wanted = gaussian(probability, 0.8, choose_axis(a_volume, plane).axis)
    assert np.abs(maps.probability - wanted).max() < 1e-6
    assert np.array_equal(maps.mask, maps.probability > 0.5)
    assert not np.array_equal(maps.mask, probability > 0.5)
    entropy = stats.bernoulli(wanted).entropy()
    assert np.abs(maps.uncertainty - entropy).max() < 1e-5
    assert np.allclose(maps.mutual_information, np.minimum(0.3, maps.uncertainty))
    found = maps.finish("tumor", [], None)
    assert found.mean_uncertainty == pytest.approx(entropy[maps.mask > 0].mean(), rel=1e-5)


def test_a_missing_slice_is_filled_and_a_lonely_island_goes(a_volume: Volume) -> None:
    probability = np.full(a_volume.shape, 0.02, np.float32)
    probability[:, 10:20, 5:15] = 0.99
    probability[2, 10:20, 5:15] = 0.02
    probability[3, 30:35, 20:25] = 0.9
    assert ndimage.label(probability > 0.5)[1] == 3
    mask = smoothed(a_volume, "auto", probability, 1.0).mask
    assert ndimage.label(mask)[1] == 1
    assert mask[2, 10:20, 5:15].all()
    assert mask.sum() == 5 * 100
    empty = np.where(np.arange(5)[:, None, None] == 1, 0.6, np.full(a_volume.shape, 0.02)).astype(np.float32)
    gone = smoothed(a_volume, "auto", empty, 2.0)
    assert gone.is_empty
    assert not gone.mask.any()


def test_a_gaussian_far_wider_than_the_stack_ends() -> None:
    volume = Volume(np.zeros((5, 4, 4), np.uint8), np.eye(4), "tiny")
    probability = np.linspace(0.1, 0.9, 80, dtype=np.float32).reshape(volume.shape)
    wide, endless = (smoothed(volume, "auto", probability.copy(), mm).probability for mm in (3 * 5, 1e9))
    assert wide is not None
    assert endless is not None
    assert np.array_equal(wide, endless)
    assert np.ptp(endless, axis=0).max() < np.ptp(probability, axis=0).max() / 2


def test_skipped_slices_stay_empty_and_say_nothing(a_volume: Volume) -> None:
    probability = np.full(a_volume.shape, 0.8, np.float32)
    maps = smoothed(a_volume, "auto", probability, 1.5, skipped=(0, 3))
    assert np.allclose(maps.probability, probability * np.array([0, 1, 1, 0, 1])[:, None, None])
    assert not maps.mask[3].any()
    assert set(maps.tallies) == {1, 2, 4}
    bare = maps.masks_alone()  # as where an answer is held back
    assert not list(smooth(bare, choose_axis(a_volume, "auto"), range(5), 1.5))


def test_a_run_smooths_in_millimeters_within_its_slices(a_model: LoadedModel, a_volume: Volume) -> None:
    settings: dict[str, Any] = {"prompts": ("tumor", "organ"), "threshold": (0.45, 0.52), "slices": (1, 5)}
    plain = finish(a_model, a_volume, **settings)
    request = SegmentationRequest(volume=a_volume, samples=4, smoothing=3.9, start_slice=3, **settings)
    *steps, result = run(a_model, request, previews=True)
    assert isinstance(result, SegmentationResult)
    assert (plain.settings["smoothing"], result.settings["smoothing"]) == (0.0, 3.9)
    for before, after in zip(plain.prompts, result.prompts, strict=True):
        assert before.probability is not None
        wanted = gaussian(before.probability[1:], 1.3, 0)  # slices are 3 mm apart
        assert np.abs(after.probability[1:] - wanted).max() < 1e-5
        assert not after.probability[0].any()
        assert np.array_equal(after.mask, after.probability > after.threshold)
        assert not np.array_equal(after.mask, before.mask)
        assert after.samples_drawn == (4,) * 4
    last = [step for step in steps if isinstance(step, SlicePreview)][-1]
    unsmoothed = plain.prompts[last.prompt_number].probability
    assert np.abs(last.probability - unsmoothed[last.slice_index]).max() < 1e-5
    assert any(getattr(step, "stage", "") == "smoothing" for step in steps)


def test_verdicts_are_on_the_smoothed_answer(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "look", lambda *_: ImageSight(None, None, None, False))
    found = finish(a_model, a_volume, judge=True, smoothing=6.0, threshold=0.4).prompts[0]
    assert found.verdict.signs["certainty"] == pytest.approx(found.probability[found.mask > 0].mean(), rel=1e-5)


def test_a_single_slice_has_no_neighbors(a_model: LoadedModel, a_picture: Volume, a_volume: Volume) -> None:
    for volume, more in ((a_picture, {}), (a_volume, {"slices": (2, 3)})):
        plain, asked = (finish(a_model, volume, smoothing=mm, **more) for mm in (0.0, 5.0))
        assert np.array_equal(plain.prompts[0].probability, asked.prompts[0].probability)
        assert asked.settings["smoothing"] == 0


def test_what_cannot_be_smoothed_is_refused(a_model: LoadedModel, a_volume: Volume) -> None:
    unknown = dataclasses.replace(a_volume, spacing_known=False)
    refused: list[tuple[Volume, dict[str, Any], str]] = [
        (unknown, {}, "The distance of the slices of a_volume is not known.* smoothing of 0"),
        (a_volume, {"maps": False}, "needs the maps"),
        (a_volume, {"smoothing": -1}, "smoothing across slices is -1"),
    ]
    for volume, more, words in refused:
        with pytest.raises(MedCLIPSegError, match=words):
            finish(a_model, volume, **({"smoothing": 1.0} | more))
    assert finish(a_model, a_volume, smoothing=0.0, maps=False).prompts[0].probability is None
