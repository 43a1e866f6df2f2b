"""Pictures with a bright disc each, whose saliency is their brightness."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from MedCLIPSegLogic.runs.models import Models

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
def bright(calls: list[str]) -> dict[str, Any]:
    """Arguments that take brightness for saliency and no SAM; prompts for nothing find nothing."""

    def brightness(image: NDArray[np.uint8], prompt: str) -> Generator[None, None, NDArray[np.float32]]:
        calls.append(prompt)
        yield
        grey = cv2.GaussianBlur(image[..., 0].astype(np.float32), (0, 0), 1)
        if np.ptp(grey) < 1 or "nothing" in prompt:
            return np.zeros_like(grey)
        return (grey - grey.min()) / np.ptp(grey)

    class BrightModels(Models):
        def saliency(self, *_: Any) -> Any:
            return brightness, {}

    return {"models": BrightModels(), "sam": "none"}
