"""Three planes of a volume fused to one answer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference import device, judging
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.plane_choice import PLANES
from MedCLIPSegLogic.inference.request import AdaptiveSampling, SegmentationRequest
from MedCLIPSegLogic.inference.result import PromptResult, SlicePreview
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.knowledge.sight import ImageSight
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

SHAPE = (9, 13, 11)
WEIGHTS = (0.2, 0.3, 0.5)
KNOWLEDGE = Knowledge(
    kinds={"brain MRI": KnownKind(images=10, things={"tumor": KnownThing(images=9, dice=0.8)}, plane="coronal")},
    words={"tumor": {"brain MRI": 9}},
)
HALF = 0.45
"""Threshold that some voxels of the random model exceed in each plane, and some do not."""


def geometry(kind: str) -> NDArray[np.float64]:
    """An IJK-to-RAS matrix that is turned, or turned and sheared, with spacings of 0.9, 1.0 and 1.5 mm."""
    axes, _ = np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))
    if kind == "straight":
        axes = np.eye(3)
    if kind == "sheared":
        axes = axes @ np.array([[1, 0.3, 0.1], [0, 1, -0.2], [0, 0, 1]])
        axes /= np.linalg.norm(axes, axis=0)
    matrix = np.eye(4)
    matrix[:3, :3] = axes * (0.9, 1.0, 1.5)
    matrix[:3, 3] = (3.0, -20.0, 7.5)
    return matrix


@pytest.fixture
def a_block() -> Volume:
    """A turned volume of nearly cubic voxels."""
    return block("oblique")


def block(kind: str) -> Volume:
    return Volume(np.random.default_rng(5).normal(100, 30, SHAPE).astype(np.float32), geometry(kind), kind)


def logit(probability: NDArray[Any]) -> NDArray[np.float64]:
    clipped = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def entropy(probability: NDArray[Any]) -> NDArray[np.float64]:
    return logit_entropy(np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12))


def logit_entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


def assert_fused(fused: PromptResult, planes: Sequence[PromptResult], weights: Sequence[float]) -> None:
    """All maps of an answer are what three runs make of it, by the formulas in plain numpy."""
    mean = sum(w * each.probability for w, each in zip(weights, planes, strict=True))
    wanted = 1 / (1 + np.exp(-sum(w * logit(each.probability) for w, each in zip(weights, planes, strict=True))))
    np.testing.assert_allclose(fused.probability, wanted, atol=2e-6)
    np.testing.assert_allclose(fused.uncertainty, entropy(wanted), atol=2e-6)
    information = sum(w * each.mutual_information for w, each in zip(weights, planes, strict=True))
    np.testing.assert_allclose(fused.mutual_information, np.minimum(information, entropy(wanted)), atol=2e-6)
    between = entropy(mean) - sum(w * entropy(each.probability) for w, each in zip(weights, planes, strict=True))
    np.testing.assert_allclose(fused.disagreement, between, atol=2e-6)
    assert np.array_equal(fused.mask, fused.probability > fused.threshold)
    dice = [
        2 * np.sum(one.mask * other.mask) / (one.mask.sum() + other.mask.sum())
        for one, other in combinations(planes, 2)
    ]
    assert fused.plane_agreement == pytest.approx(np.mean(dice))


@pytest.mark.parametrize("kind", ["straight", "oblique", "sheared"])
def test_the_fused_answer_is_that_of_three_runs_voxel_for_voxel(a_model: LoadedModel, kind: str) -> None:
    """Nothing is resampled, so the answers of all planes lie on the voxels, however these lie in space."""
    volume, asked = block(kind), {"prompts": ("tumor", "a"), "threshold": (HALF, 0.5), "adaptive": AdaptiveSampling()}
    planes = [finish(a_model, volume, plane=plane, **asked) for plane in PLANES]
    assert sorted(choose_axis(volume, plane).axis for plane in PLANES) == [0, 1, 2]
    for plane, weights in ((plane, weights) for plane in ("auto", "sagittal") for weights in (None, WEIGHTS)):
        fused = finish(a_model, volume, three_planes=True, plane=plane, plane_weights=weights, **asked)
        for number in (0, 1):
            parts = [result.prompts[number] for result in planes]
            assert_fused(fused.prompts[number], parts, weights or (1 / 3,) * 3)
        first = planes[PLANES.index(choose_axis(volume, plane).name)]
        assert fused.prompts[0].samples_drawn == first.prompts[0].samples_drawn
        assert (fused.slice_axis, fused.slice_indices) == (first.slice_axis, first.slice_indices)
        assert (fused.settings["plane"], fused.settings["three_planes"]["slices"]) == (first.settings["plane"], 33)
    assert fused.settings["three_planes"]["weights"] == dict(zip(PLANES, WEIGHTS, strict=True))
    assert fused.notes == ()
    assert planes[0].prompts[0].disagreement is planes[0].prompts[0].plane_agreement is None
    assert "three_planes" not in planes[0].settings


def test_without_maps_the_mask_and_its_numbers_are_the_same(a_model: LoadedModel, a_block: Volume) -> None:
    whole, bare = (
        finish(a_model, a_block, three_planes=True, threshold=HALF, maps=maps).prompts[0] for maps in (True, False)
    )
    assert np.array_equal(whole.mask, bare.mask)
    assert 0 < bare.mask.sum() < bare.mask.size
    assert (bare.mean_uncertainty, bare.plane_agreement) == (whole.mean_uncertainty, whole.plane_agreement)
    assert bare.probability is bare.uncertainty is bare.mutual_information is bare.disagreement is None


def test_planes_without_any_mask_have_no_agreement(a_model: LoadedModel, a_block: Volume) -> None:
    flat = dataclasses.replace(a_block, voxels=np.full(SHAPE, 7.0, np.float32))
    for volume, threshold in ((a_block, 1 - 1e-7), (flat, 0.5)):
        [prompt] = finish(a_model, volume, three_planes=True, threshold=threshold).prompts
        assert (prompt.plane_agreement, prompt.mask.any()) == (None, False)
    assert not prompt.probability.any()
    assert not prompt.uncertainty.any()
    assert prompt.mean_uncertainty is None


def test_slices_without_content_count_as_empty_and_are_listed_of_the_first_plane(
    a_model: LoadedModel, a_block: Volume
) -> None:
    voxels = a_block.voxels.copy()
    voxels[[0, 4]] = 100
    volume = dataclasses.replace(a_block, voxels=voxels)
    across = next(plane for plane in PLANES if choose_axis(volume, plane).axis == 0)
    planes = [finish(a_model, volume, plane=plane).prompts[0] for plane in PLANES]
    fused = finish(a_model, volume, three_planes=True, plane=across)
    assert_fused(fused.prompts[0], planes, (1 / 3,) * 3)
    assert fused.settings["skipped_slices"] == [0, 4]
    assert [n for n, drawn in enumerate(fused.prompts[0].samples_drawn) if not drawn] == [0, 4]


@pytest.mark.parametrize(
    ("spacing", "left", "note"),
    [
        ((1.0, 1.0, 2.0), ["axial", "coronal", "sagittal"], ""),
        ((1.0, 1.0, 2.1), ["axial"], "Only the axial plane was segmented, as slices in the others would be stripes"),
        ((1.0, 2.0, 4.0), ["axial", "sagittal"], "Only the axial and the sagittal planes were fused, as slices in the"),
        ((1.0, 3.0, 9.0), ["axial"], "Only the axial plane was segmented"),
    ],
)
def test_stretched_planes_are_left_out(
    a_model: LoadedModel, a_block: Volume, spacing: tuple[float, float, float], left: list[str], note: str
) -> None:
    volume = dataclasses.replace(a_block, ijk_to_ras=np.diag([*spacing, 1.0]))
    fused = finish(a_model, volume, three_planes=True)
    planes = [finish(a_model, volume, plane=plane).prompts[0] for plane in left]
    assert list(fused.settings["three_planes"]["weights"]) == left
    assert "".join(fused.notes).startswith(note)
    assert bool(fused.notes) is bool(note)
    if len(left) > 1:
        assert_fused(fused.prompts[0], planes, (1 / len(left),) * len(left))
    else:
        assert np.array_equal(fused.prompts[0].probability, planes[0].probability)
        assert fused.prompts[0].disagreement is fused.prompts[0].plane_agreement is None


def test_a_thin_slab_is_cut_where_it_is_wide(a_model: LoadedModel, a_block: Volume) -> None:
    slab = dataclasses.replace(a_block, voxels=np.tile(a_block.voxels[:2], (1, 2, 2)))
    fused = finish(a_model, slab, three_planes=True)
    [thick] = fused.settings["three_planes"]["weights"]
    assert np.array_equal(fused.prompts[0].probability, finish(a_model, slab, plane=thick).prompts[0].probability)
    assert "would be stripes" in fused.notes[0]
    other = next(plane for plane in PLANES if plane != thick)
    with pytest.raises(MedCLIPSegError, match=f"The {other} slices of .* would be stripes"):
        finish(a_model, slab, three_planes=True, plane=other)


def test_pictures_single_slices_and_parts_of_a_volume_are_refused(a_picture: Volume, a_block: Volume) -> None:
    single = dataclasses.replace(a_block, voxels=a_block.voxels[:1])
    for volume, slices, words in (
        (
            a_picture,
            None,
            "a_picture is a picture or a single slice and has no three planes to fuse; choose one plane.",
        ),
        (single, None, "oblique is a picture or a single slice"),
        (a_block, (1, 4), "Three planes are fused over a whole volume only; leave the choice of slices out"),
    ):
        with pytest.raises(MedCLIPSegError, match=words):
            SegmentationRequest(volume, ("tumor",), three_planes=True, slices=slices)
    SegmentationRequest(a_block, ("tumor",), three_planes=True, slices=(0, choose_axis(a_block, "auto").count))


def test_progress_runs_over_all_planes_and_previews_show_the_first(
    a_model: LoadedModel, a_block: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "look", lambda *_: ImageSight("brain MRI", "brain MRI", 0.1))
    model = dataclasses.replace(a_model, knowledge=KNOWLEDGE)
    prompts = ("tumor", "asdfgh", "no tumor")
    request = SegmentationRequest(
        a_block, prompts, samples=4, three_planes=True, plane="sagittal", judge=True, start_slice=6
    )
    *steps, result = run(model, request, previews=True)
    previews = [step for step in steps if isinstance(step, SlicePreview)]
    axis = choose_axis(a_block, "sagittal")
    assert {(preview.slice_axis, preview.prompt_number) for preview in previews} == {(axis.axis, 0)}
    assert previews[0].slice_index == 6
    assert {preview.slice_index for preview in previews} == set(range(axis.count))
    progress = [step for step in steps if not isinstance(step, SlicePreview)]
    fractions = [step.fraction for step in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    turns = [(step.slice_number, step.slice_count) for step in progress if step.stage == "segmenting"]
    assert turns == sorted(turns)
    assert (turns[0][0], turns[-1]) == (1, (33, 33))
    held, denied = result.prompts[1:]
    assert (held.verdict.kind, held.disagreement, held.plane_agreement) == ("not-understood", None, None)
    assert (denied.probability, denied.disagreement, denied.mask.any()) == (None, None, False)
    cancelled = run(model, request)
    assert next(step for step in cancelled if step.fraction > 0.6)
    cancelled.close()
    assert list(cancelled) == []


def test_the_fused_answer_is_judged_once(
    a_model: LoadedModel, a_block: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    judged: list[Any] = []
    monkeypatch.setattr(
        judging, "look", lambda _, pixels, encode: looks.append(pixels) or ImageSight("brain MRI", "brain MRI", 0.1)
    )
    monkeypatch.setattr(judging, "answer_signs", lambda maps, axis, *_: judged.append((maps, axis)) or {})
    model = dataclasses.replace(a_model, knowledge=KNOWLEDGE)
    plain = finish(model, a_block, three_planes=True, threshold=HALF)
    result = finish(model, a_block, three_planes=True, threshold=HALF, judge=True, prompts=("tumor", "asdfgh"))
    assert len(looks) == judging.LOOKED_AT
    [(maps, axis)] = judged
    assert axis == choose_axis(a_block, "auto")
    assert result.prompts[0].verdict.kind == "found"
    assert np.array_equal(maps.mask, plain.prompts[0].mask)
    assert sum(tally.voxels_inside for tally in maps.tallies.values()) == plain.prompts[0].mask.sum()
    anyway = finish(model, a_block, three_planes=True, judge=True, prompts=("asdfgh",), show_anyway=True)
    assert anyway.prompts[0].verdict.kind == "not-understood"
    assert anyway.prompts[0].disagreement is not None


def test_what_fusing_needs_is_asked_for_before_it_begins(
    a_model: LoadedModel, a_block: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = math.prod(SHAPE)
    for maps, bytes_a_voxel in ((True, 2 * (4 * 4 + 1)), (False, 11)):
        monkeypatch.setattr(device, "free_memory", lambda _, least=bytes_a_voxel: least * voxels - 1)
        with pytest.raises(MedCLIPSegError, match="oblique need"):
            finish(a_model, a_block, three_planes=True, maps=maps)
