"""Slices to model input and back."""

from pathlib import Path

import numpy as np
import pytest
import torch

from MedCLIPSegLogic.inference.preprocess import place, prepare_slice
from MedCLIPSegLogic.model.config import PreprocessingConfig

PUBLISHED = PreprocessingConfig()
LETTERBOX = PreprocessingConfig(channel_order="rgb", fit="letterbox", antialias=True)


def test_published_preparation_matches_the_golden_input(golden_folder: Path) -> None:
    golden = np.load(golden_folder / "metrics_and_preprocessing.npz")
    pixels = golden["preprocess.bgr_image"][..., ::-1]
    placement = place(pixels.shape[:2], (1.0, 1.0), 224, PUBLISHED)
    made = prepare_slice(pixels, placement, PUBLISHED).numpy()
    assert np.abs(made - golden["preprocess.model_input"]).max() < 1e-6


def test_gray_is_repeated() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    config = PreprocessingConfig(mean=(0, 0, 0), std=(1, 1, 1))
    made = prepare_slice(pixels, place((8, 8), (1, 1), 8, config), config)
    assert torch.equal(made[0], made[1])
    assert torch.allclose(made[2] * 255, torch.from_numpy(pixels).float())


def test_channel_order() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 0] = 255
    for order, red in (("rgb", 0), ("bgr", 2)):
        config = PreprocessingConfig(channel_order=order, mean=(0, 0, 0), std=(1, 1, 1))
        made = prepare_slice(pixels, place((8, 8), (1, 1), 8, config), config)
        assert made.amax(dim=(1, 2)).argmax() == red


def test_letterbox_keeps_the_physical_aspect_ratio() -> None:
    for size, spacing, wanted in (
        ((100, 50), (1.0, 1.0), (0, 16, 64, 32)),
        ((50, 100), (1.0, 1.0), (16, 0, 32, 64)),
        ((50, 100), (2.0, 1.0), (0, 0, 64, 64)),
        ((1, 500), (1.0, 1.0), (31, 0, 1, 64)),
    ):
        placement = place(size, spacing, 64, LETTERBOX)
        assert (placement.top, placement.left, placement.height, placement.width) == wanted
        made = prepare_slice(np.full(size, 200, np.uint8), placement, LETTERBOX)
        assert made.shape == (3, 64, 64)
        assert int((made[0] != 0).sum()) == wanted[2] * wanted[3]


@pytest.mark.parametrize("config", [PUBLISHED, LETTERBOX])
def test_restored_map_lies_where_the_pixels_were(config: PreprocessingConfig) -> None:
    pixels = np.zeros((90, 60), np.uint8)
    pixels[20:50, 10:30] = 255
    placement = place((90, 60), (1, 1), 128, config)
    back = placement.restore(prepare_slice(pixels, placement, config)[:1])[0].numpy()
    middle = (back.min() + back.max()) / 2
    assert back.shape == (90, 60)
    assert np.mean((back > middle) == (pixels > 0)) > 0.99
