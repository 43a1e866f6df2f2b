"""What happens when a batch does not fit after all, on a device that pretends to have little memory."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference import device
from MedCLIPSegLogic.inference.request import AdaptiveSampling
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.volume import Volume


class SmallDevice:
    """Runs out of memory whenever more rows than fit are computed at once."""

    def __init__(self, model: LoadedModel, fitting: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        decode, encode = model.network.decode, model.network.encode_images

        def check(rows: int) -> None:
            if rows > fitting:
                raise torch.OutOfMemoryError("CUDA out of memory")

        def limited_decode(pair: Any, noise: Any) -> Any:
            check(len(pair.first.text))
            self.sizes.append(len(pair.first.text))
            return decode(pair, noise)

        def limited_encode(images: Any) -> Any:
            check(len(images))
            return encode(images)

        monkeypatch.setattr(model.network, "decode", limited_decode)
        monkeypatch.setattr(model.network, "encode_images", limited_encode)


def test_the_batch_is_halved_until_it_fits_and_nothing_is_lost(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plenty = finish(a_model, a_volume, samples=12)
    small = SmallDevice(a_model, 3, monkeypatch)
    with caplog.at_level(logging.WARNING):
        result = finish(a_model, a_volume, samples=12, batch_size=12)
    assert small.sizes == [3] * 4 * 5
    assert sum(small.sizes) == 12 * 5
    assert [record.getMessage() for record in caplog.records] == [
        "Memory ran out with 12 passes at once; going on with 6.",
        "Memory ran out with 6 passes at once; going on with 3.",
    ]
    assert np.abs(result.prompts[0].probability - plenty.prompts[0].probability).max() < 1e-5


def test_slices_share_a_batch_and_part_when_it_does_not_fit(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"samples": 6, "batch_size": 32, "adaptive": AdaptiveSampling(3, 1e9, 1e9)}
    large = SmallDevice(a_model, 32, monkeypatch)
    wanted = finish(a_model, a_volume, **settings)
    assert large.sizes == [5 * 3]
    small = SmallDevice(a_model, 2, monkeypatch)
    result = finish(a_model, a_volume, **settings)
    assert max(small.sizes) <= 2
    assert sum(small.sizes) == 15
    assert np.abs(result.prompts[0].probability - wanted.prompts[0].probability).max() < 1e-5


def test_a_single_pass_that_does_not_fit_is_said(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    SmallDevice(a_model, 0, monkeypatch)
    with pytest.raises(MedCLIPSegError, match="too little memory to segment a_volume"):
        finish(a_model, a_volume, samples=4)


def test_a_graphics_card_gets_the_samples_of_several_slices(
    a_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_pass = device._bytes_per_pass(a_model.config)
    monkeypatch.setattr(device, "free_memory", lambda _: 4 * 20 * one_pass)
    cuda = torch.device("cuda")
    assert device.choose_batch_size(a_model.config, 3, cuda) == 3
    assert device.choose_batch_size(a_model.config, 3 * 50, cuda) == 20
    monkeypatch.setattr(device, "free_memory", lambda _: 10**12)
    assert device.choose_batch_size(a_model.config, 3 * 50, cuda) == device.MAX_BATCH


def test_without_maps_masks_and_mean_uncertainties_stay_as_they_are(a_model: LoadedModel, a_volume: Volume) -> None:
    settings: dict[str, Any] = {"prompts": ("one tumor", "a kidney"), "threshold": (0.4, 0.999)}
    full, bare = (finish(a_model, a_volume, **settings, maps=maps) for maps in (True, False))
    for with_maps, without in zip(full.prompts, bare.prompts, strict=True):
        assert np.array_equal(with_maps.mask, without.mask)
        inside = with_maps.mask > 0 if with_maps.mask.any() else np.ones(a_volume.shape, bool)
        assert without.mean_uncertainty == pytest.approx(with_maps.uncertainty[inside].mean(dtype=np.float64))
        assert without.mean_uncertainty == with_maps.mean_uncertainty
        assert without.probability is without.uncertainty is without.mutual_information is None
        assert without.samples_drawn == with_maps.samples_drawn
    assert [prompt.mask.any() for prompt in bare.prompts] == [True, False]


def test_what_would_not_fit_is_refused_before_anything_is_computed(
    a_model: LoadedModel, a_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = tuple(f"thing {number}" for number in range(1000))
    needed = 2 * a_volume.voxels.size
    monkeypatch.setattr(device, "free_memory", lambda _: 13 * 1000 * needed - 1)
    with pytest.raises(MedCLIPSegError, match=r"The maps of 1000 prompts on a_volume need .* leave the maps out"):
        finish(a_model, a_volume, prompts=prompts)
    monkeypatch.setattr(device, "free_memory", lambda _: 1000 * needed - 1)
    with pytest.raises(MedCLIPSegError, match="The masks of 1000 prompts on a_volume need"):
        finish(a_model, a_volume, prompts=prompts, maps=False)
