"""Slices that show nothing are skipped; whatever shows something is not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.preprocess import has_content
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import Progress, SegmentationResult, SlicePreview, to_the_end
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.intensity import preset
from MedCLIPSegLogic.volumes.volume import Volume


def air(deviation: float, level: int = 60, shape: tuple[int, ...] = (256, 256)) -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).normal(level, deviation, shape)
    return np.clip(np.round(noise), 0, 255).astype(np.uint8)


def test_flat_slices_have_no_content_whatever_their_noise() -> None:
    for pixels in (np.zeros((5, 7), np.uint8), np.full((40, 300, 3), 255, np.uint8), air(0.5), air(2), air(3)):
        assert not has_content(pixels)


def test_whatever_shows_in_the_noise_is_content() -> None:
    for contrast in (4, 10, 60):
        pixels = air(2)
        pixels[100:130, 90:120] += np.uint8(contrast)
        assert has_content(pixels)
    pixels = air(2)
    pixels[17, 200] = 120
    assert has_content(pixels)
    assert has_content(np.broadcast_to(np.linspace(50, 56, 256), (256, 256)).astype(np.uint8))


def with_air(volume: Volume) -> Volume:
    """The volume with slices of air put in front, between and behind."""
    rng = np.random.default_rng(3)
    slices = [rng.normal(-1000, 1, volume.voxels[0].shape) if n in (0, 2, 6) else None for n in range(8)]
    body = iter(volume.voxels)
    return dataclasses.replace(volume, voxels=np.stack([next(body) if s is None else s for s in slices]))


def test_air_is_skipped_and_recorded_and_the_others_are_as_ever(a_model: LoadedModel, a_volume: Volume) -> None:
    request = SegmentationRequest(
        volume=with_air(a_volume), prompts=("a", "tumor"), samples=3, intensity=preset("brain")
    )
    result = to_the_end(run(a_model, request))
    assert isinstance(result, SegmentationResult)
    assert result.settings["skipped_slices"] == [0, 2, 6]
    assert result.slice_indices == tuple(range(8))
    for prompt in result.prompts:
        assert prompt.samples_drawn == (0, 3, 0, 3, 3, 3, 0, 3)
        for values in (prompt.mask, prompt.probability, prompt.uncertainty, prompt.mutual_information):
            assert not values[[0, 2, 6]].any()
    for index in (1, 3, 4, 5, 7):
        alone = to_the_end(run(a_model, dataclasses.replace(request, slices=(index, index + 1))))
        assert np.array_equal(alone.prompts[1].probability[index], result.prompts[1].probability[index])


def test_skipped_slices_do_not_thin_the_mean_uncertainty(a_model: LoadedModel, a_volume: Volume) -> None:
    request = SegmentationRequest(
        volume=with_air(a_volume), prompts=("tumor",), samples=2, intensity=preset("brain"), threshold=0.99
    )
    result = to_the_end(run(a_model, request))
    assert isinstance(result, SegmentationResult)
    assert not result.prompts[0].mask.any()
    seen = result.prompts[0].uncertainty[[1, 3, 4, 5, 7]]
    assert result.prompts[0].mean_uncertainty == pytest.approx(float(seen.mean()), rel=1e-5)


def test_an_image_without_content_gives_an_empty_result(a_model: LoadedModel, a_picture: Volume) -> None:
    blank = dataclasses.replace(a_picture, voxels=np.full_like(a_picture.voxels, 9))
    *steps, result = run(a_model, SegmentationRequest(volume=blank, prompts=("tumor",)), previews=True)
    assert isinstance(result, SegmentationResult)
    assert [(step.part_number, step.fraction) for step in steps if isinstance(step, Progress)] == [(0, 1)]
    assert not any(isinstance(step, SlicePreview) for step in steps)
    assert result.settings["skipped_slices"] == [0]
    assert not result.prompts[0].uncertainty.any()
    assert result.prompts[0].mean_uncertainty is None
