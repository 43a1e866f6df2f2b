"""Mosaics and one of several findings: the text and the mask mean the same thing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from MedCLIPSegLab.training.composition import OTHER, Tile, arrange, one_of_several, still_apart
from MedCLIPSegLab.training.data import TrainingItem, TrainingSet
from MedCLIPSegLab.training.sampler import BatchSampler
from MedCLIPSegLab.training.settings import Composition, TrainingSettings
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.config import PreprocessingConfig

RGB = PreprocessingConfig(channel_order="rgb")


def disc(size: int, y: int, x: int, radius: int) -> np.ndarray:
    return (np.hypot(*(np.mgrid[:size, :size] - np.array([y, x])[:, None, None])) < radius).astype(np.uint8)


def a_set(name: str, prompt: str, mask: np.ndarray, brightness: int) -> TrainingSet:
    image = np.repeat((mask * brightness)[..., None], 3, 2).astype(np.uint8)
    return TrainingSet(name, (TrainingItem(image, ((prompt, mask),), True, False),), 1)


def test_a_row_is_left_and_right_and_a_column_upper_and_lower() -> None:
    tiles = [Tile(np.full((32, 32, 3), value, np.uint8), np.ones((32, 32), np.uint8)) for value in (50, 100, 150, 200)]
    picture, placed = arrange(tiles[:2], "row", padded=False)
    assert [tile.name for tile in placed] == ["left", "right"]
    assert placed[0].mask[:, :16].all()
    assert not placed[0].mask[:, 16:].any()
    assert picture[placed[1].mask > 0].mean() == 100
    _, placed = arrange(tiles[:2], "column", padded=True)
    assert placed[0].mask.sum() == placed[1].mask.sum() == 16 * 16
    assert np.nonzero(placed[0].mask)[0].max() < 16 <= np.nonzero(placed[1].mask)[0].min()
    picture, placed = arrange(tiles, "grid", padded=False)
    assert [tile.name for tile in placed] == ["upper left", "upper right", "lower left", "lower right"]
    assert picture[20, 20].tolist() == [200, 200, 200]


def test_one_of_two_is_asked_for_by_place_or_size() -> None:
    left, right = disc(64, 30, 14, 6), disc(64, 34, 48, 11)
    seen = set()
    for seed in range(60):
        asked = one_of_several(left | right, "polyp", np.random.default_rng(seed))
        assert asked is not None
        text, labels = asked
        wanted = left if any(word in text for word in ("left", "small")) else right
        assert np.array_equal(labels == 1, wanted > 0), text
        assert np.array_equal(labels > 0, (left | right) > 0)
        seen.add(text)
    assert len(seen) > 8


def test_what_words_do_not_tell_apart_is_not_asked_for() -> None:
    for mask in [disc(64, 30, 14, 6), disc(64, 20, 20, 6) | disc(64, 44, 44, 6), np.zeros((64, 64))]:
        assert one_of_several(mask.astype(np.uint8), "polyp", np.random.default_rng(0)) is None


def test_a_finding_that_left_the_picture_is_noticed() -> None:
    labels = disc(64, 32, 14, 6) + 2 * disc(64, 32, 48, 6)
    assert still_apart(labels, labels)
    assert not still_apart(np.where(labels == 2, 0, labels), labels)


def test_several_findings_keep_text_and_mask_together_through_augmentation() -> None:
    both = disc(80, 38, 22, 8) | disc(80, 42, 58, 8)
    settings = TrainingSettings(composition=Composition(mosaics=0, one_of_several=1))
    sampler = BatchSampler([a_set("s", "two polyps", both, 200)], 64, RGB, settings)
    sides = []
    for row in range(60):
        image, text, labels, _ = sampler.example(0, row)
        mask = labels == 1
        bright = (image.mean(axis=2) > image.mean() + 40).nonzero()[1].mean()
        if "left" in text or "right" in text:
            assert (mask.nonzero()[1].mean() < bright) == ("left" in text), text
            sides.append(text)
    assert len(sides) > 30


def test_mosaics_ask_for_the_thing_that_is_meant() -> None:
    sets = [
        a_set("polyps", "one polyp in the colon", disc(80, 40, 40, 24), 120),
        a_set("tumors", "one tumor in the breast ultrasound image", disc(80, 40, 40, 12), 250),
    ]
    settings = TrainingSettings(composition=Composition(mosaics=1, alike=0, one_of_several=0))
    sampler = BatchSampler(sets, 64, RGB, settings)
    by_place, by_thing = 0, 0
    for row in range(80):
        image, text, labels, _ = sampler.example(0, row)
        mask = labels == 1
        assert image.shape == (64, 64, 3)
        assert set(np.unique(labels)) <= {0, 1, OTHER}
        assert mask.any()
        words = text.lower()
        rows, columns = mask.nonzero()
        if any(word in words for word in ("picture", "panel", " one", "left image", "right image", "er image")):
            by_place += 1
            assert ("left" not in words) or columns.max() < 32
            assert ("right" not in words) or columns.min() >= 32
            assert ("upper" not in words) or rows.max() < 32
            assert ("lower" not in words) or rows.min() >= 32
        elif "larger" not in words and "smaller" not in words:
            by_thing += 1
    assert by_place > 30
    assert by_thing > 5


def test_mosaics_of_one_set_can_only_be_told_apart_by_place_or_size() -> None:
    sets = [
        a_set("polyps", "one polyp in the colon", disc(80, 40, 40, 24), 120),
        a_set("tumors", "one tumor in the breast ultrasound image", disc(80, 40, 40, 12), 250),
    ]
    composition = Composition(mosaics=1, alike=1, one_of_several=0)
    sampler = BatchSampler(sets, 64, RGB, TrainingSettings(composition=composition))
    ratios = []
    for row in range(40):
        image, text, labels, _ = sampler.example(0, row)
        assert re.search("left|right|upper|lower|larg|bigger|small", text.lower())
        assert (labels == 1).any()
        assert (labels == OTHER).any()
        levels = [image[labels == label].mean() for label in (1, OTHER)]
        ratios.append(max(levels) / min(levels))
    # The sets differ by twice as much; single tiles are brighter or darker by chance.
    assert np.median(ratios) < 1.5


def test_bad_shares_are_refused() -> None:
    with pytest.raises(MedCLIPSegError, match="The mosaics is 2; it must be between 0 and 1"):
        Composition(mosaics=2)
