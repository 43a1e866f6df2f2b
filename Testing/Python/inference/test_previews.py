"""What can be seen of a run before it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.preprocess import place, prepare_slice
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import Event, Progress, SegmentationResult, SlicePreview, to_the_end
from MedCLIPSegLogic.model.library import LoadedModel, load_model
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import ACROSS, choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

MAPS = ("probability", "uncertainty", "mutual_information", "expected_entropy")


def request_for(volume: Volume, **settings: Any) -> SegmentationRequest:
    return SegmentationRequest(volume=volume, **({"prompts": ("tumor",), "samples": 6} | settings))


def split(events: list[Event]) -> tuple[list[Progress], list[SlicePreview], SegmentationResult]:
    *steps, result = events
    assert isinstance(result, SegmentationResult)
    progress = [step for step in steps if isinstance(step, Progress)]
    previews = [step for step in steps if isinstance(step, SlicePreview)]
    assert len(progress) + len(previews) == len(steps)
    return progress, previews, result


def assert_same_maps(one: SegmentationResult, other: SegmentationResult) -> None:
    for first, second in zip(one.prompts, other.prompts, strict=True):
        for name in MAPS:
            assert np.abs(getattr(first, name) - getattr(second, name)).max() < 1e-5, name
        assert first.mean_uncertainty == pytest.approx(second.mean_uncertainty, abs=1e-5)


def test_the_first_slice_sharpens(a_model: LoadedModel, a_picture: Volume) -> None:
    for samples, batch_size, wanted in (
        (1, 8, [0, 1]),
        (6, 8, [0, 2, 4, 6]),
        (30, 8, [0, 2, 4, 8, 16, 30]),
        (9, 1, [0, 2, 4, 8, 9]),
        (11, 3, [0, 2, 4, 8, 11]),
    ):
        request = request_for(a_picture, samples=samples, batch_size=batch_size)
        progress, previews, _ = split(list(run(a_model, request, previews=True)))
        assert [preview.samples for preview in previews] == wanted
        assert progress[-1].fraction == 1
        steps = np.diff([0, *(step.part_number for step in progress)])
        assert steps.max() <= batch_size


def test_the_first_slice_sharpens_for_every_prompt_and_the_others_come_once(
    a_model: LoadedModel, a_volume: Volume
) -> None:
    request = request_for(a_volume, prompts=("a", "b"), slices=(1, 4), start_slice=2)
    _, previews, _ = split(list(run(a_model, request, previews=True)))
    first = [(2, number, samples) for number in (0, 1) for samples in (0, 2, 4, 6)]
    others = [(index, number, 6) for index in (3, 1) for number in (0, 1)]
    assert [(p.slice_index, p.prompt_number, p.samples) for p in previews] == first + others


def test_each_preview_follows_its_step(a_model: LoadedModel, a_picture: Volume) -> None:
    events = list(run(a_model, request_for(a_picture), previews=True))
    kinds = [
        (type(event).__name__, event.samples if isinstance(event, SlicePreview) else event.part_number)
        for event in events[:-1]
    ]
    steps = [(name, count) for count in (2, 4, 6) for name in ("Progress", "SlicePreview")]
    assert kinds == [("SlicePreview", 0), *steps]


@pytest.mark.parametrize(
    ("plane", "flips"), [("axial", (1, 1, 1)), ("coronal", (-1, 1, -1)), ("sagittal", (1, -1, -1))]
)
def test_previews_lie_as_the_voxels_do(a_model: LoadedModel, plane: Any, flips: tuple[int, int, int]) -> None:
    voxels = np.random.default_rng(4).normal(100, 30, (3, 11, 7)).astype(np.float32)
    volume = Volume(voxels, np.diag([*(np.array(flips) * (0.8, 0.9, 2.0)), 1.0]), "turned")
    axis = choose_axis(volume, plane)
    assert axis.axis == {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
    request = request_for(volume, plane=plane, slices=(0, 3), start_slice=1)
    _, previews, result = split(list(run(a_model, request, previews=True)))
    finished = [preview for preview in previews if preview.samples == 6]
    assert [preview.slice_index for preview in finished] == [1, 2, 0]
    rebuilt = np.zeros(volume.shape, np.float32)
    for preview in finished:
        assert preview.slice_axis == axis.axis
        assert preview.probability.dtype == np.float32
        np.moveaxis(rebuilt, preview.slice_axis, 0)[preview.slice_index] = preview.probability
        assert np.array_equal(preview.probability, result.prompts[0].probability.take(preview.slice_index, axis.axis))
    assert np.array_equal(rebuilt, result.prompts[0].probability)
    assert ACROSS.index(axis.name) == 2 - axis.axis


def test_a_preview_is_the_mean_of_the_samples_so_far(a_model: LoadedModel, a_volume: Volume) -> None:
    _, previews, _ = split(list(run(a_model, request_for(a_volume, slices=(2, 3)), previews=True)))
    for preview in previews[1:]:
        alone = to_the_end(run(a_model, request_for(a_volume, slices=(2, 3), samples=preview.samples)))
        assert np.abs(alone.prompts[0].probability[2] - preview.probability).max() < 1e-5
    assert np.abs(previews[0].probability - previews[-1].probability).max() > 1e-4


def test_the_first_preview_is_one_pass_with_the_noise_at_its_mean(a_model: LoadedModel, a_volume: Volume) -> None:
    steps = run(a_model, request_for(a_volume, slices=(2, 3)), previews=True)
    preview = next(steps)
    assert isinstance(preview, SlicePreview)
    assert preview.samples == 0
    axis, mapping = choose_axis(a_volume, "auto"), resolve(default_rule(a_volume), a_volume)
    pixels = mapping.apply(axis.extract(a_volume.voxels, 2))
    preprocessing = a_model.config.preprocessing
    placement = place(pixels.shape, axis.pixel_spacing, a_model.config.image.image_size, preprocessing)
    image = prepare_slice(pixels, placement, preprocessing)[None]
    with torch.inference_mode():
        logits = a_model.network(image, a_model.tokenizer(["tumor"]), lambda a, d, values: torch.zeros_like(values))
        wanted = placement.restore(logits.logits.sigmoid())[0].numpy()
    assert np.abs(preview.probability - wanted).max() < 1e-5


def test_a_preview_keeps_its_values_while_the_run_goes_on(a_model: LoadedModel, a_picture: Volume) -> None:
    kept: list[tuple[SlicePreview, NDArray[np.float32]]] = []
    for event in run(a_model, request_for(a_picture), previews=True):
        if isinstance(event, SlicePreview):
            kept.append((event, event.probability.copy()))
    assert len(kept) == 4
    assert all(np.array_equal(event.probability, copy) for event, copy in kept)


def test_previews_change_nothing(a_model: LoadedModel, a_volume: Volume) -> None:
    one = to_the_end(run(a_model, request_for(a_volume, prompts=("a", "tumor"), batch_size=4)))
    for start in (None, 3):
        watched = request_for(a_volume, prompts=("a", "tumor"), batch_size=4, start_slice=start)
        _, _, other = split(list(run(a_model, watched, previews=True)))
        assert_same_maps(one, other)
        assert one.settings == other.settings


def test_previews_of_the_bundled_model_change_nothing() -> None:
    row, column = np.mgrid[:60, :48]
    disk = ((row - 30) ** 2 + (column - 24) ** 2 < 150) * 90.0
    noise = np.random.default_rng(2).normal(80, 10, (3, 60, 48))
    volume = Volume((disk + noise).astype(np.int16), np.diag([1.0, 1.0, 4.0, 1.0]), "disk")
    model = load_model("mini")
    request = request_for(volume, prompts=("bright disk",), samples=5, start_slice=1, threshold=(0.3,))
    _, previews, watched = split(list(run(model, request, previews=True)))
    plain = to_the_end(run(model, request_for(volume, prompts=("bright disk",), samples=5, threshold=0.3)))
    assert_same_maps(plain, watched)
    assert [(p.slice_index, p.samples) for p in previews] == [(1, 0), (1, 2), (1, 4), (1, 5), (2, 5), (0, 5)]


def test_progress_names_the_device(a_model: LoadedModel, a_picture: Volume) -> None:
    progress, previews, result = split(list(run(a_model, request_for(a_picture, device="cpu"))))
    assert previews == []  # they come only when asked for
    assert {step.device for step in progress} == {"cpu"}
    assert result.settings["device"] == "cpu"


def test_closing_between_step_and_preview_cancels(a_model: LoadedModel, a_picture: Volume) -> None:
    steps = run(a_model, request_for(a_picture), previews=True)
    kinds = [type(next(steps)) for _ in range(3)]
    assert kinds == [SlicePreview, Progress, SlicePreview]
    steps.close()
    assert list(steps) == []
