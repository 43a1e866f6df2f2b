"""Pictures with a bright disc each, whose saliency is their brightness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from MedCLIPSegLab.weak.pseudo_masks import MakeMask, zero_shot_masks
from MedCLIPSegLogic.clip_sam.engine import in_one_step
from MedCLIPSegLogic.clip_sam.methods import METHODS

SIZE = (48, 64)


def disc(center: tuple[int, int], radius: int = 9) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.hypot(rows - center[0], columns - center[1]) < radius


@pytest.fixture
def a_folder(tmp_path: Path) -> Path:
    """Six pictures in ``img`` and their masks in ``label``; the last one has no disc."""
    rng = np.random.default_rng(4)
    for kind in ("img", "label"):
        (tmp_path / kind).mkdir()
    for number in range(6):
        inside = disc((int(rng.integers(14, 34)), int(rng.integers(14, 50)))) & (number < 5)
        pixels = 60 + 120 * inside[..., None] + rng.normal(0, 4, (*SIZE, 3)) * (number < 5)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "img" / f"case {number}.png")
        Image.fromarray(inside.astype(np.uint8) * 255).save(tmp_path / "label" / f"case {number}.png")
    return tmp_path


@pytest.fixture
def calls() -> list[str]:
    """Prompts that were asked for, in order."""
    return []


@pytest.fixture
def get_maker(calls: list[str]) -> Callable[[], MakeMask]:
    """Gives the zero-shot chain with brightness for saliency and without SAM; prompts for nothing find nothing."""

    def brightness(image: NDArray[np.uint8], prompt: str) -> NDArray[np.float32]:
        calls.append(prompt)
        grey = cv2.GaussianBlur(image[..., 0].astype(np.float32), (0, 0), 1)
        if np.ptp(grey) < 1 or "nothing" in prompt:
            return np.zeros_like(grey)
        return (grey - grey.min()) / np.ptp(grey)

    return lambda: zero_shot_masks(in_one_step(brightness), None, METHODS["medclip-sam-v2"])
