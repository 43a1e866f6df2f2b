"""Signs of answers, by hand and against scipy."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from MedCLIPSegLogic.inference.agreement import SMALL, agreement, kept_in_place
from MedCLIPSegLogic.inference.answer_signs import answer_signs
from MedCLIPSegLogic.inference.maps import PromptMaps
from MedCLIPSegLogic.inference.outline import Outline
from MedCLIPSegLogic.knowledge.known import AnswerRule, Knowledge
from MedCLIPSegLogic.knowledge.understanding import Understanding
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.volume import Volume

SMALL_PROMPT = Understanding("small tumor", "small tumor", "tumor", without_place="small tumor")
PLACED = Understanding("tumor on the left", "tumor on the left", "tumor", without_place="tumor")


def block(rows: slice, columns: slice, shape: tuple[int, int] = (10, 20)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def test_a_square_and_a_strip_at_the_border_are_measured_as_by_hand() -> None:
    square = Outline.of(block(slice(2, 6), slice(3, 7)))
    assert square == Outline(16 / 200, pytest.approx(pi / 4), 0.0, 1.0)
    strip = Outline.of(block(slice(0, 2), slice(0, 5)))
    assert strip.border == pytest.approx(7 / 14)
    assert strip.compactness == pytest.approx(4 * pi * 10 / 14**2)


def test_the_largest_island_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    for share in (0.05, 0.3, 0.5):
        mask = rng.random((60, 80)) < share
        labels, _ = ndimage.label(mask, np.ones((3, 3)))
        assert Outline.of(mask).largest_island == pytest.approx(np.bincount(labels[mask]).max() / mask.sum())


def answered(*slices: NDArray[np.float32]) -> tuple[PromptMaps, Volume]:
    """Maps of a volume whose slices have these probabilities."""
    volume = Volume(np.zeros((len(slices), *slices[0].shape), np.uint8), np.eye(4), "made")
    maps = PromptMaps.zeros(volume.shape, 0.5, keep_maps=False)
    axis = choose_axis(volume, "auto")
    for index, probability in enumerate(slices):
        maps.insert_score(axis, index, probability)
    return maps, volume


def never(words: str, index: int, scale: float = 1.0) -> NDArray[np.float32]:
    raise AssertionError("asked again")


def test_the_signs_of_a_volume_are_those_of_its_largest_slice_and_of_all_neighbors() -> None:
    one = np.where(block(slice(2, 6), slice(3, 7)), 0.9, 0.1).astype(np.float32)
    two = np.where(block(slice(2, 6), slice(5, 11)), 0.7, 0.0).astype(np.float32)
    maps, volume = answered(np.zeros_like(one), one, two)
    signs = answer_signs(maps, choose_axis(volume, "auto"), None, None, None, never)
    assert signs["certainty"] == pytest.approx((16 * 0.9 + 24 * 0.7) / 40)
    assert signs["highest"] == pytest.approx(0.9)
    assert signs["extent"] == pytest.approx(24 * 0.7 / 200)
    assert signs["area"] == pytest.approx(24 / 200)
    # The neighbors are the empty slice and the first mask, and both masks, which share 4 × 2 voxels.
    assert signs["neighbors"] == pytest.approx(2 * 8 / (0 + 16 + 16 + 24))


def test_an_empty_answer_has_no_outline_and_one_without_slices_no_signs() -> None:
    faint = np.full((10, 20), 0.2, np.float32)
    maps, volume = answered(faint)
    signs = answer_signs(maps, choose_axis(volume, "auto"), None, None, None, never)
    assert signs == {"certainty": 0, "highest": pytest.approx(0.2), "extent": pytest.approx(0.2), "area": 0}
    maps.tallies.clear()
    assert answer_signs(maps, choose_axis(volume, "auto"), None, None, None, never) == {}


LESIONS = block(slice(1, 5), slice(1, 5)) | block(slice(1, 9), slice(10, 18))
SHARDS = block(slice(1, 9, 4), slice(10, 18))


@pytest.mark.parametrize(
    ("mask", "place"),
    [
        (block(slice(1, 5), slice(1, 5)), 1.0),  # the smaller of two: the place tells which
        (SHARDS, 0.25),
        (block(slice(0, 0), slice(0, 0)), 0.0),
        (block(slice(6, 9), slice(1, 5)), 0.0),  # nothing of what is seen without the place
    ],
)
def test_the_place_costs_what_is_missing_of_the_island_that_is_kept_best(mask: NDArray[np.bool_], place: float) -> None:
    asked: list[tuple[str, float]] = []

    def ask(words: str, index: int, scale: float = 1.0) -> NDArray[np.float32]:
        asked.append((words, scale))
        return np.where(LESIONS, 0.8, 0.1).astype(np.float32)

    assert kept_in_place(PLACED, {0: mask}, 0.5, ask) == {"place": pytest.approx(place)}
    inside = 0.8 * LESIONS[mask].mean() + 0.1 * (1 - LESIONS[mask].mean()) if mask.any() else 1 - 0.8
    assert agreement(PLACED, {0: mask}, ask) == {"agreement": pytest.approx(inside)}
    assert asked == [("tumor", 1.0), ("tumor", SMALL)]


@pytest.mark.parametrize(
    ("asked", "mask", "count"),
    [
        (SMALL_PROMPT, SHARDS, 1),
        (SMALL_PROMPT, ~LESIONS & LESIONS, 1),
        (Understanding("tumor", "tumor", "tumor", without_place="tumor"), SHARDS, 1),
        (Understanding("tumor", "tumor", "tumor", without_place="tumor"), ~LESIONS & LESIONS, 0),
        (Understanding("polyp", "a polyp", "polyp", known_on=("colonoscopy",)), ~LESIONS & LESIONS, 0),
        (Understanding("asdf", "asdf", None), SHARDS, 0),
    ],
)
def test_only_other_words_are_asked(asked: Understanding, mask: NDArray[np.bool_], count: int) -> None:
    passes: list[str] = []

    def ask(words: str, index: int, scale: float = 1.0) -> NDArray[np.float32]:
        passes.append(words)
        return np.zeros(mask.shape, np.float32)

    signs = agreement(asked, {0: mask}, ask) | kept_in_place(asked, {0: mask}, 0.5, ask)
    assert len(passes) == len(signs) == count


RULE = AnswerRule(("certainty",), (4.0,), (0.8,), (0.1,), 0.0, limit=0.5)


@pytest.mark.parametrize(("certainty", "names"), [(0.95, {"agreement"}), (0.81, {"agreement", "place"})])
def test_the_place_is_asked_for_where_the_other_signs_leave_doubt(certainty: float, names: set[str]) -> None:
    maps, volume = answered(np.where(LESIONS, certainty, 0.0).astype(np.float32))
    knowledge = Knowledge(kinds={}, answer=RULE)
    axis = choose_axis(volume, "auto")
    signs = answer_signs(maps, axis, PLACED, knowledge, None, lambda *_: np.ones((10, 20), np.float32))
    assert {"agreement", "place"} & set(signs) == names
    assert signs["thing tumor"] == 1
