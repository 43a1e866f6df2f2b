"""Training examples: reproducible, true, and mixed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from MedCLIPSegLab.training.augment import augment
from MedCLIPSegLab.training.composition import OTHER
from MedCLIPSegLab.training.data import TrainingItem, load_set
from MedCLIPSegLab.training.recipes import recipe_settings
from MedCLIPSegLab.training.sampler import BatchSampler
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLogic.model.config import PreprocessingConfig

RGB = PreprocessingConfig(channel_order="rgb")


def test_pictures_and_masks_are_read(a_data_set: Callable[..., Path]) -> None:
    data = load_set(a_data_set(), "Train", 40)
    assert (data.image_count, len(data.items)) == (6, 6)
    for item in data.items:
        (text, mask), *others = item.targets
        assert not others
        assert text.startswith("one small polyp")
        assert item.image.shape == (40, 40, 3)
        assert item.image[mask > 0].mean() > item.image[mask == 0].mean() + 80
        assert item.is_picture
        assert item.is_color


def test_volumes_become_slices_with_every_prompt(a_volume_set: Path) -> None:
    data = load_set(a_volume_set, "Train", 32)
    assert (data.image_count, len(data.items)) == (1, 18)
    for item in data.items:
        masks = dict(item.targets)
        assert set(masks) == {"all", "lower", "upper"}
        assert np.array_equal(masks["all"], np.maximum(masks["lower"], masks["upper"]))
        assert not item.is_picture
    assert any(item.targets[0][1].any() for item in data.items)


def test_the_other_part_of_an_organ_is_what_a_prompt_does_not_mean(a_volume_set: Path) -> None:
    sampler = BatchSampler([load_set(a_volume_set, "Train", 32)], 32, RGB, TrainingSettings(prompts="as-given"))
    shares: dict[str, list[bool]] = {}
    for row in range(120):
        _, text, labels, _ = sampler.example(0, row)
        if (labels == 1).any():
            shares.setdefault(text.split()[0], []).append(bool((labels == OTHER).any()))
    assert not any(shares["all"])
    assert any(shares["lower"])
    assert any(shares["upper"])
    _, _, masks, targets = sampler.batch(0, range(120))
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    assert not (targets.rivals & (masks > 0)).any()
    assert targets.rivals.any()


def test_an_example_depends_only_on_its_key(a_data_set: Callable[..., Path]) -> None:
    sets = [load_set(a_data_set(), "Train", 40)]
    first, second = (BatchSampler(sets, 32, RGB, TrainingSettings(negative_share=0.2, seed=5)) for _ in range(2))
    second.batch(99, range(3))
    (images, texts, masks, targets), again = first.batch(7, range(4)), second.batch(7, range(4))
    assert torch.equal(images, again[0])
    assert texts == again[1]
    assert torch.equal(masks, again[2])
    for name, value in vars(targets).items():
        assert torch.equal(value, getattr(again[3], name))
    assert not torch.equal(images, first.batch(8, range(4))[0])


def test_no_prompt_is_ever_empty(a_volume_set: Path) -> None:
    for settings in (TrainingSettings(), recipe_settings("small", None)):
        sampler = BatchSampler([load_set(a_volume_set, "Train", 32)], 32, RGB, settings)
        assert all(sampler.example(0, row)[1] for row in range(80))


def test_foreign_prompts_get_empty_masks(a_data_set: Callable[..., Path]) -> None:
    polyps = load_set(a_data_set("polyps"), "Train", 40)
    breasts = load_set(
        a_data_set("breasts", "One small tumor at the left in the breast ultrasound image."), "Train", 40
    )
    sampler = BatchSampler([polyps, breasts], 32, RGB, TrainingSettings(negative_share=0.5))
    examples = [sampler.example(0, row) for row in range(120)]
    empty = [text.lower() for _, text, mask, _ in examples if not mask.any()]
    assert 35 < len(empty) < 85
    assert any("breast" in text for text in empty)
    assert any("polyp" in text for text in empty)


def test_related_sets_give_no_foreign_prompts(a_data_set: Callable[..., Path]) -> None:
    sets = [load_set(a_data_set(name), "Train", 40) for name in ("one", "two")]
    sampler = BatchSampler(sets, 32, RGB, TrainingSettings(negative_share=0.9))
    assert all(sampler.example(0, row)[2].any() for row in range(60))


def test_flips_move_the_mask_and_the_words_together() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[24:40, 4:20] = 1  # left, at half height
    image[mask > 0] = 200
    item = TrainingItem(image, (("polyp in left of the image", mask),), is_picture=True, is_color=False)
    sides = set()
    for seed in range(60):
        warped, text, moved = augment(item, *item.targets[0], 64, np.random.default_rng(seed))
        column = np.nonzero(moved)[1].mean()
        assert warped[moved > 0].mean() > warped[moved == 0].mean()
        if "left" in text:
            assert column < 32
            sides.add("left")
        elif "right" in text:
            assert column > 32
            sides.add("right")
    assert sides == {"left", "right"}


def test_slices_of_volumes_are_never_flipped() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[24:40, 4:20] = 1
    item = TrainingItem(np.repeat(mask[..., None] * 200, 3, 2), (("left part", mask),), False, False)
    for seed in range(30):
        _, _, moved = augment(item, *item.targets[0], 64, np.random.default_rng(seed))
        assert np.nonzero(moved)[1].mean() < 32
