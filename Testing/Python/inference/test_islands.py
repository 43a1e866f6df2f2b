"""Islands of a mask: which a rule keeps, in the units of the image, and what a run tells of the others."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference import judging
from MedCLIPSegLogic.inference.islands import IslandRule, remove_islands, removed_record
from MedCLIPSegLogic.inference.maps import PromptMaps
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.knowledge.sight import ImageSight
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import PICTURE_IJK_TO_RAS, Volume

KNOWLEDGE = Knowledge(
    kinds={"breast ultrasound": KnownKind(images=10, things={"tumor": KnownThing(images=9, dice=0.8)})},
    words={"tumor": {"breast ultrasound": 9}},
)
SHAPE = (5, 20, 24)
SIZES = (60, 24, 8, 1)
"""Voxels of the four islands of `islands`."""


def islands(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """Four islands, the second in two boxes that touch at a corner only."""
    mask = np.zeros(shape, np.uint8)
    mask[0:3, 0:4, 0:5] = 1
    mask[1:4, 10:12, 10:12] = mask[1:4, 12:14, 12:14] = 1
    mask[3:5, 18:20, 0:2] = 1
    mask[4, 19, 23] = 1
    return mask


def turned(shear: float = 0.2) -> NDArray[np.float64]:
    """An oblique and sheared matrix with spacings of 0.5, 0.8 and 2.5 mm."""
    axes, _ = np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))
    axes = axes @ np.array([[1, shear, 0.1], [0, 1, -0.2], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = axes / np.linalg.norm(axes, axis=0) * (0.5, 0.8, 2.5)
    return matrix


@pytest.mark.parametrize("kind", [np.uint8, np.bool_])
@pytest.mark.parametrize(
    ("rule", "kept"), [("all", 4), ("largest", 1), (24.0, 2), (24.1, 1), (8, 3), (0.5, 4), (61.0, 0)]
)
def test_a_rule_keeps_islands_by_their_voxels(rule: IslandRule, kept: int, kind: type) -> None:
    mask = islands().astype(kind)
    removed = remove_islands(mask, rule, 1.0)
    assert removed == SIZES[kept:]
    assert mask.sum() == sum(SIZES[:kept])
    assert not (mask & ~islands().astype(np.bool_)).any()
    assert mask[0, 0, 0] == (kept > 0)
    assert removed_record(removed) == {"count": 4 - kept, "voxels": sum(SIZES[kept:]), "sizes": list(SIZES[kept:])}


def test_nothing_and_everything_stay_as_they_are() -> None:
    for value in (0, 1):
        mask = np.full(SHAPE, value, np.uint8)
        assert remove_islands(mask, "largest", 1.0) == ()
        assert (mask == value).all()


def test_sizes_are_in_the_unit_of_the_image() -> None:
    volume = Volume(np.zeros(SHAPE, np.float32), turned(), "mri")
    cubic_mm = abs(np.linalg.det(turned()[:3, :3]))
    assert cubic_mm < 0.99 * 0.5 * 0.8 * 2.5  # a product of spacings would be another one
    assert volume.voxel_measure == (pytest.approx(cubic_mm), "mm³")
    for thin, voxels in enumerate(((1, 20, 24), (5, 1, 24), (5, 20, 1))):
        single = Volume(np.zeros(voxels, np.float32), turned(), "slice")
        first, second = np.delete(turned()[:3, :3], 2 - thin, axis=1).T
        assert single.voxel_measure == (pytest.approx(np.linalg.norm(np.cross(first, second))), "mm²")
    picture = Volume(np.zeros((1, 20, 24, 3), np.uint8), PICTURE_IJK_TO_RAS, "photo", spacing_known=False)
    assert picture.voxel_measure == (1.0, "pixels")
    size, _ = volume.voxel_measure
    for least, kept in ((24 * size, 2), (24 * size * 1.001, 1), (size, 4)):  # rounding removes nothing
        assert remove_islands(islands(), least, size) == SIZES[kept:]


@pytest.mark.parametrize("plane", ["axial", "sagittal"])
def test_the_mean_uncertainty_is_that_of_what_is_kept_and_maps_stay(plane: str) -> None:
    volume = Volume(np.zeros(SHAPE, np.float32), turned(0.0), "mri")
    axis = choose_axis(volume, plane)
    random = np.random.default_rng(1).uniform(0.0, 0.45, SHAPE)
    probability = np.where(islands() > 0, 0.99 - random, random).astype(np.float32)
    maps = PromptMaps.zeros(SHAPE, 0.5, keep_maps=True)
    for index in range(axis.count):
        maps.insert_score(axis, index, axis.extract(probability, index))
    uncertainty = np.array(maps.uncertainty)
    maps.keep_islands(axis, "largest", 1.0)
    found = maps.finish("tumor", [], None)
    assert (found.islands, found.removed_islands) == ("largest", SIZES[1:])
    assert found.mean_uncertainty == pytest.approx(uncertainty[found.mask > 0].mean(), rel=1e-5)
    assert np.array_equal(found.probability, probability)
    assert np.array_equal(found.uncertainty, uncertainty)
    maps.keep_islands(axis, 100.0, 1.0)
    nothing = maps.finish("tumor", [], None)
    assert maps.is_empty
    assert nothing.mean_uncertainty == pytest.approx(uncertainty.mean(), rel=1e-5)


def knowing(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    """A model that knows a tumor, on a breast ultrasound."""
    monkeypatch.setattr(judging, "look", lambda *_: ImageSight("breast ultrasound", "breast ultrasound", 0.1, False))
    return dataclasses.replace(model, knowledge=KNOWLEDGE)


def scattered(probability: NDArray[np.float32]) -> float:
    """A threshold above which there are a large island and one of fewer than 5 voxels."""
    for threshold in np.quantile(probability, np.linspace(0.3, 0.99, 70)):
        removed = remove_islands(probability > threshold, "largest", 1.0)
        if removed and removed[-1] < 5:
            return float(threshold)
    raise AssertionError("there is none")


@pytest.mark.parametrize("three_planes", [False, True])
def test_a_run_removes_islands_after_its_verdict(
    a_model: LoadedModel, monkeypatch: pytest.MonkeyPatch, three_planes: bool
) -> None:
    matrix = turned()
    matrix[:3, 2] /= 2.5
    volume = Volume(np.random.default_rng(5).normal(100, 30, (9, 13, 11)).astype(np.float32), matrix, "mri")
    settings: dict[str, Any] = {"judge": True, "three_planes": three_planes, "prompts": ("tumor", "a tumor")}
    model = knowing(a_model, monkeypatch)
    size, _ = volume.voxel_measure
    least = 5 * size
    first = finish(model, volume, **settings)
    settings["threshold"] = tuple(scattered(np.array(prompt.probability)) for prompt in first.prompts)
    whole = finish(model, volume, **settings)
    kept = finish(model, volume, **settings, islands=("largest", least))
    for before, after, rule in zip(whole.prompts, kept.prompts, ("largest", least), strict=True):
        mask = before.mask.copy()
        removed = remove_islands(mask, rule, size)
        assert len(removed) > 0
        assert mask.any()
        assert np.array_equal(after.mask, mask)
        assert after.removed_islands == removed
        assert np.array_equal(after.probability, before.probability)
        assert np.array_equal(after.uncertainty, before.uncertainty)
        assert after.verdict == before.verdict
        assert after.mean_uncertainty == pytest.approx(np.array(before.uncertainty)[mask > 0].mean(), rel=1e-4)
    assert kept.settings["islands"] == {"keep": ["largest", least], "unit": "mm³"}
    assert whole.settings["islands"] == {"keep": "all", "unit": None}


def test_an_answer_of_which_nothing_is_left_says_so(a_model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Volume(np.random.default_rng(5).normal(100, 30, (1, 40, 50)).astype(np.float32), np.eye(4), "slice")
    found = finish(knowing(a_model, monkeypatch), volume, threshold=1e-6, judge=True, islands=2001.0).prompts[0]
    assert not found.mask.any()
    assert found.removed_islands == (2000,)
    assert found.verdict is not None
    assert (found.verdict.kind, found.verdict.doubts) == ("doubtful", ("islands",))
    assert "keep smaller ones" in found.verdict.text
    assert found.verdict.expected_dice is None


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        *(
            ({"islands": rule}, "must be all, largest, or a number above 0")
            for rule in ("some", 0, -1, True, "nan", None)
        ),
        ({"islands": ("all", "largest")}, "2 rules for islands for 1 prompts"),
        ({"islands": "largest", "maps": False}, "keep the maps, or choose all"),
    ],
)
def test_what_cannot_be_kept_is_refused(a_volume: Volume, choices: dict[str, Any], words: str) -> None:
    with pytest.raises(MedCLIPSegError, match=words):
        SegmentationRequest(a_volume, ("tumor",), **choices)
    assert SegmentationRequest(a_volume, ("tumor",), islands=" 12.5 ").island_rules == (12.5,)
    assert SegmentationRequest(a_volume, ("tumor",), islands="all", maps=False).island_rules == ("all",)
