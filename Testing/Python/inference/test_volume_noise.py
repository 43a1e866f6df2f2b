"""Noise that is one draw for the whole volume, and the volumes of its samples."""

from __future__ import annotations

import dataclasses
from statistics import stdev
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import finish

from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLogic.inference.preprocess import Placement
from MedCLIPSegLogic.inference.request import AdaptiveSampling
from MedCLIPSegLogic.model.catalog import find_model
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

VOLUME: dict[str, Any] = {"noise": "volume"}


@pytest.fixture
def equal_slices(a_volume: Volume) -> Volume:
    return dataclasses.replace(a_volume, voxels=np.repeat(a_volume.voxels[:1], 5, axis=0))


def test_equal_slices_get_equal_answers_of_a_volume_alone(a_model: LoadedModel, equal_slices: Volume) -> None:
    whole = finish(a_model, equal_slices, **VOLUME)
    single = finish(a_model, equal_slices)
    assert (single.settings["noise"], whole.settings["noise"]) == ("slice", "volume")
    one, other = whole.prompts[0].probability, single.prompts[0].probability
    assert np.abs(one - one[:1]).max() < 1e-5
    assert np.abs(other - other[:1]).max() > 1e-3
    # An image of one slice is the same either way.
    assert np.abs(one[0] - other[0]).max() < 1e-5


@pytest.mark.parametrize(
    "more", [{"batch_size": 1}, {"batch_size": 7}, {"start_slice": 3}, {"slices": (2, 4)}, {"prompts": ("a", "tumor")}]
)
def test_neither_batch_nor_order_nor_range_matter(a_model: LoadedModel, a_volume: Volume, more: dict[str, Any]) -> None:
    plain = finish(a_model, a_volume, **VOLUME).prompts[-1]
    result = finish(a_model, a_volume, **VOLUME, **more)
    found, asked = result.prompts[-1], list(result.slice_indices)
    assert np.abs(found.probability[asked] - plain.probability[asked]).max() < 1e-5
    assert np.abs(found.mutual_information[asked] - plain.mutual_information[asked]).max() < 1e-5
    if len(asked) == len(a_volume.voxels):
        assert found.sample_volumes == pytest.approx(plain.sample_volumes)
    else:
        assert sum(found.sample_volumes) < sum(plain.sample_volumes)


def test_a_sample_of_a_settled_slice_is_the_same_draw(a_model: LoadedModel, a_volume: Volume) -> None:
    rule = AdaptiveSampling(mask_change=1e9, entropy_change=1e9)
    settled = finish(a_model, a_volume, samples=30, adaptive=rule, **VOLUME).prompts[0]
    three = finish(a_model, a_volume, samples=3, **VOLUME).prompts[0]
    assert np.abs(settled.probability - three.probability).max() < 1e-5
    assert settled.sample_volumes == ()
    assert len(three.sample_volumes) == 3


def test_the_volume_of_a_sample_is_that_of_its_mask(a_model: LoadedModel) -> None:
    """Slices of 32 x 32 pixels are the model input one to one."""
    voxels = np.random.default_rng(1).normal(100, 30, (6, 32, 32)).astype(np.float32)
    sheared = np.diag([2.0, 2.0, 3.0, 1.0])
    sheared[0, 2] = 1.0
    volume = Volume(voxels, sheared, "thin")
    settings: dict[str, Any] = {"plane": "axial", "threshold": 0.5, **VOLUME}
    [alone] = finish(a_model, volume, samples=1, **settings).prompts
    assert 0.1 < alone.mask.mean() < 0.9
    [first] = alone.sample_volumes
    assert first == pytest.approx(alone.mask.sum() * 12 / 1000)
    assert alone.sample_volume is None
    [four] = finish(a_model, volume, **settings).prompts
    assert four.sample_volumes[0] == pytest.approx(first)
    assert four.sample_volume == pytest.approx((np.mean(four.sample_volumes), np.std(four.sample_volumes, ddof=1)))
    smooth = finish(a_model, volume, smoothing=9.0, **settings).prompts[0]
    assert smooth.sample_volumes == pytest.approx(four.sample_volumes)
    assert not np.array_equal(smooth.mask, four.mask)


def test_padding_and_stretch_count_as_the_slice_has_them() -> None:
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0], masks[1, 2:6, :4] = True, True
    assert Placement((100, 400), 8, 3, 0, 2, 8).sizes(masks).tolist() == [40_000, 20_000]
    assert Placement((30, 20), 8, 0, 0, 8, 8).sizes(masks).tolist() == [600, 150]


def test_there_are_volumes_only_of_whole_volumes_of_known_size(
    a_model: LoadedModel, a_volume: Volume, a_picture: Volume
) -> None:
    unknown = dataclasses.replace(a_volume, spacing_known=False)
    for volume, settings in ((a_volume, {}), (unknown, VOLUME), (a_picture, VOLUME)):
        assert finish(a_model, volume, **settings).prompts[0].sample_volumes == ()
    blank = dataclasses.replace(a_volume, voxels=np.zeros_like(a_volume.voxels))
    assert finish(a_model, blank, **VOLUME).prompts[0].sample_volumes == ()


@pytest.mark.slow
def test_samples_of_a_volume_differ_more_as_wholes() -> None:
    model = load_model(find_model("mini"))
    volume = read_volume(CASES / "hippocampus_mri.nii.gz")
    sizes = {
        noise: [
            int(
                finish(model, volume, prompts=("hippocampus",), samples=1, seed=seed, noise=noise).prompts[0].mask.sum()
            )
            for seed in range(6)
        ]
        for noise in ("slice", "volume")
    }
    assert stdev(sizes["volume"]) > stdev(sizes["slice"])
