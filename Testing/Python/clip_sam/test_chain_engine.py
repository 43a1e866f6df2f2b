"""The chain from saliency to masks, on slices whose answer is known."""

from __future__ import annotations

import itertools
import json
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from planted_saliency import blurred, brightness, in_one_step, planted
from small_sam import BoxDouble, small_sam

from MedCLIPSegLab.data.truth import read_truth
from MedCLIPSegLab.metrics import dice_score
from MedCLIPSegLab.results.demo import CASES
from MedCLIPSegLogic.clip_sam.chain import run
from MedCLIPSegLogic.clip_sam.findings import ZeroShotResult
from MedCLIPSegLogic.clip_sam.rules import Binarization, ComponentRule, PromptKind, PromptRule, ZeroShotRequest
from MedCLIPSegLogic.clip_sam.sam import Sam
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.result import Event, Progress, SlicePreview
from MedCLIPSegLogic.model.sam_checkpoint import SamPreprocessing
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

SIZE = (48, 64)


def picture(seed: int = 6) -> Volume:
    rng = np.random.default_rng(seed)
    return Volume(rng.integers(0, 256, (1, *SIZE, 3), dtype=np.uint8), PICTURE_IJK_TO_RAS, "a_picture", False)


def region(*corners: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, np.bool_)
    for left, top, right, bottom in corners:
        mask[top : bottom + 1, left : right + 1] = True
    return mask


def events(*arguments: Any, **options: Any) -> list[Event]:
    return list(run(*arguments, **options))


def result_of(*arguments: Any, **options: Any) -> ZeroShotResult:
    result = events(*arguments, **options)[-1]
    assert isinstance(result, ZeroShotResult)
    return result


SEGMENTERS = {
    "none": lambda: None,
    "double": BoxDouble,
    "sam": lambda: Sam("tiny", small_sam(), SamPreprocessing(), "f" * 64),
}


COARSE: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "empty": (),
    "one pixel": ((20, 10, 20, 10),),
    "corner": ((0, 0, 9, 9),),
    "border": ((0, 0, 63, 11),),
    "two": ((54, 38, 63, 47), (4, 4, 13, 13)),
}


@pytest.mark.parametrize("segmenter", SEGMENTERS)
def test_every_coarse_mask_passes_through(segmenter: str) -> None:
    for kind, corners in itertools.product(get_args(get_args(PromptKind)[0]), COARSE.values()):
        check_passage(segmenter, kind, corners)


def check_passage(segmenter: str, kind: Any, corners: tuple[tuple[int, int, int, int], ...]) -> None:
    objects = len(corners)
    saliency = planted({"thing": blurred(region(*corners), 0)})
    request = ZeroShotRequest(picture(), ("thing",), pointing=PromptRule(kind))
    result = result_of(saliency, SEGMENTERS[segmenter](), request)
    prompt, finding = result.prompts[0], result.findings[0][0]
    assert finding.status == ("found" if objects else "nothing found")
    assert len(finding.objects) == objects
    assert np.isfinite(prompt.probability).all()
    assert prompt.probability.dtype == np.float32
    if not objects:
        assert not prompt.mask.any()
        assert not prompt.probability.any()
    elif segmenter != "sam" and (kind != "points" or segmenter == "none"):
        assert np.array_equal(prompt.mask[0] > 0, region(*corners))
    for thing in finding.objects:
        assert (thing.box is None) == (kind == "points" and segmenter != "none")
        assert len(thing.points) == (0 if kind == "box" or segmenter == "none" else min(10, thing.area))
        assert (thing.quality is None) == (segmenter == "none")


def test_maps_are_score_and_its_entropy() -> None:
    result = result_of(
        planted({"a": blurred(region((10, 10, 30, 30)))}), BoxDouble(), ZeroShotRequest(picture(), ("a",))
    )
    prompt = result.prompts[0]
    p = prompt.probability.astype(np.float64)
    assert np.allclose(prompt.uncertainty, -p * np.log(p) - (1 - p) * np.log(1 - p), atol=1e-6)
    assert not prompt.mutual_information.any()
    assert prompt.samples_drawn == ()
    assert np.array_equal(prompt.mask, prompt.probability > 0.5)
    assert prompt.mean_uncertainty == pytest.approx(float(prompt.uncertainty[prompt.mask > 0].mean()))
    assert "no samples" in result.settings["uncertainty"]


def test_a_slice_is_embedded_once_for_all_prompts_and_objects() -> None:
    maps = {
        "two": blurred(region((5, 5, 15, 15), (40, 30, 50, 40)), 0),
        "one": blurred(region((20, 20, 30, 30)), 0),
        "none": blurred(region()),
    }
    double = BoxDouble()
    result = result_of(planted(maps), double, ZeroShotRequest(picture(), tuple(maps)))
    assert (double.embedded, double.decoded) == (1, 3)
    assert [len(findings[0].objects) for findings in result.findings] == [2, 1, 0]
    nothing = BoxDouble()
    result_of(planted(maps), nothing, ZeroShotRequest(picture(), ("none",)))
    assert nothing.embedded == 0


def test_faint_objects_are_left_out_and_leave_no_trace() -> None:
    faint, bright = region((5, 5, 25, 25)), region((40, 30, 50, 40))
    saliency = planted({"a": (0.4 * faint + 0.9 * bright).astype(np.float32)})
    for segmenter in (None, BoxDouble()):
        request = ZeroShotRequest(picture(), ("a",), components=ComponentRule(confidence=0.5), threshold=0.3)
        prompt = result_of(saliency, segmenter, request).prompts[0]
        assert np.array_equal(prompt.mask[0] > 0, bright)


def test_without_sam_a_map_in_which_nothing_is_found_is_kept_below_the_threshold() -> None:
    faint = (0.3 * blurred(region((5, 5, 25, 25)))).astype(np.float32)
    request = ZeroShotRequest(picture(), ("a",), components=ComponentRule(confidence=0.5), threshold=0.4)
    result = result_of(planted({"a": faint}), None, request)
    assert result.findings[0][0].status == "nothing found"
    assert not result.prompts[0].mask.any()
    assert result.prompts[0].probability.max() == np.float32(0.4)
    assert not result_of(planted({"a": faint}), BoxDouble(), request).prompts[0].probability.any()


def test_no_more_parts_are_kept_than_there_are_objects() -> None:
    class Speckled(BoxDouble):
        def segment(self, embedding: Any, prompts: Any) -> Any:
            masks = super().segment(embedding, prompts)
            masks.probability[:, 45:, 60:] = 0.8
            return masks

    maps = planted({"a": blurred(region((10, 10, 30, 30)), 0)})
    for keep, parts in ((True, 1), (False, 2)):
        mask = result_of(maps, Speckled(), ZeroShotRequest(picture(), ("a",), keep_largest=keep)).prompts[0].mask[0]
        assert cv2.connectedComponents(mask)[0] - 1 == parts


def test_neither_order_nor_company_of_slices_changes_the_result(a_volume: Volume) -> None:
    saliency = in_one_step(brightness)

    def go(**options: Any) -> ZeroShotResult:
        few = ComponentRule(most=2)
        request = ZeroShotRequest(a_volume, ("a",), components=few, pointing=PromptRule("both"), seed=3, **options)
        return result_of(saliency, Sam("tiny", small_sam(), SamPreprocessing(), ""), request)

    whole, outwards, part = go(), go(start_slice=2), go(slices=(1, 3))
    assert np.array_equal(whole.prompts[0].probability, outwards.prompts[0].probability)
    axis = whole.slice_axis
    for one, other in (
        (whole.prompts[0].probability, part.prompts[0].probability),
        (whole.saliency[0], part.saliency[0]),
    ):
        assert np.array_equal(np.take(one, (1, 2), axis), np.take(other, (1, 2), axis))
        assert not np.take(other, 0, axis).any()
    assert [finding.slice_index for finding in part.findings[0]] == [1, 2]
    assert part.settings["slices"] == [1, 3]


def test_flat_slices_are_skipped(a_volume: Volume) -> None:
    voxels = a_volume.voxels.copy()
    voxels[1] = voxels.min()
    result = result_of(
        in_one_step(brightness), BoxDouble(), ZeroShotRequest(Volume(voxels, a_volume.ijk_to_ras, "v"), ("a",))
    )
    assert [finding.status for finding in result.findings[0]] == ["found", "no content", "found", "found", "found"]
    assert result.settings["skipped_slices"] == [1]
    assert not result.prompts[0].probability[1].any()


def test_it_goes_in_small_steps_and_shows_finished_slices(a_volume: Volume) -> None:
    request = ZeroShotRequest(a_volume, ("a", "b"))
    maps = {prompt: blurred(region((5, 5, 15, 15)))[:40, :28] for prompt in request.prompts}
    seen = events(planted(maps), BoxDouble(), request, previews=True)
    steps = [event for event in seen if isinstance(event, Progress)]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert len(steps) == 5 * (3 + 1 + 1 + 3 + 1)
    assert fractions[-1] == pytest.approx(1)
    previews = [event for event in seen if isinstance(event, SlicePreview)]
    assert [(p.slice_index, p.prompt_number) for p in previews] == [(s, p) for s in range(5) for p in range(2)]
    assert np.array_equal(previews[-1].probability, seen[-1].prompts[1].probability[4])


def test_the_record_holds_everything_and_is_json() -> None:
    request = ZeroShotRequest(picture(), ("a",), pointing=PromptRule("both", padding=0.1), seed=9)
    result = result_of(planted({"a": blurred(region((10, 10, 30, 30)))}), BoxDouble(), request, {"saliency": "planted"})
    settings = json.loads(json.dumps(result.settings))
    assert (settings["saliency"], settings["sam"], settings["seed"]) == ("planted", "box double", 9)
    assert settings["object_prompts"] == {"kind": "both", "padding": 0.1, "points": 10}
    finding = json.loads(json.dumps(result.findings[0][0].record()))
    assert finding["status"] == "found"
    assert 0 < finding["threshold"] < 1
    assert set(finding["objects"][0]) == {"box", "points", "area", "confidence", "quality"}


@pytest.mark.parametrize("case", ["dermoscopy", "breast_ultrasound"])
def test_the_chain_on_real_images(case: str) -> None:
    """A blurred truth in the place of saliency: the coarse mask is near it, and the box double returns its box."""
    volume = read_volume(CASES / f"{case}.jpg")
    truth = read_truth(CASES / f"{case}_mask.png", (), volume)[0]
    saliency = planted({"a": blurred(truth, 12)})
    for binarization in get_args(get_args(Binarization)[0]):
        request = ZeroShotRequest(volume, ("a",), binarization=binarization, components=ComponentRule(most=1))
        coarse = result_of(saliency, None, request).prompts[0].mask[0] > 0
        assert dice_score(coarse, truth) > 0.9
        result = result_of(saliency, BoxDouble(), request)
        rows, columns = np.nonzero(coarse)
        box = np.zeros_like(coarse)
        box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        assert dice_score(result.prompts[0].mask[0] > 0, box) > 0.99
        sam = result_of(saliency, Sam("tiny", small_sam(), SamPreprocessing(), ""), request)
        assert sam.prompts[0].probability.shape == volume.shape
        assert np.ptp(sam.prompts[0].probability) > 0.05


def test_a_request_and_its_rules_check_themselves() -> None:
    for options, words in (
        ({"prompts": ()}, "prompt is empty"),
        ({"threshold": 1.0}, "must be between 0 and 1"),
        ({"seed": -1}, "seed is -1"),
        ({"binarization": "x"}, "binarization is x"),
    ):
        with pytest.raises(MedCLIPSegError, match=words):
            ZeroShotRequest(**({"volume": picture(), "prompts": ("a",)} | options))
    for rule, options, words in (
        (ComponentRule, {"confidence": 1.0}, "least confidence is 1.0"),
        (ComponentRule, {"most": 0}, "number of objects is 0"),
        (PromptRule, {"padding": 2.0}, "padding is 2.0"),
        (PromptRule, {"points": 0}, "number of points is 0"),
    ):
        with pytest.raises(MedCLIPSegError, match=words):
            rule(**options)


def test_points_for_a_sam_of_boxes_are_refused() -> None:
    request = ZeroShotRequest(picture(), ("a",), pointing=PromptRule("points"))
    with pytest.raises(MedCLIPSegError, match="trained with boxes alone"):
        next(run(planted({}), BoxDouble(boxes_only=True), request))
