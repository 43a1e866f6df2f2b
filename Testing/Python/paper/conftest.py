"""A configuration over two small data sets of generated pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from MedCLIPSegLogic.datasets.sheets import with_row

PROMPTS = {
    "breasts": "One small tumor at the left in the breast ultrasound image.",
    "others": "One large tumor at the right in the breast ultrasound image.",
}
TRAINING = {"steps": 4, "batch_size": 2, "stages": [[1.0, 32]], "validate_every": 2, "threads": 1, "device": "cpu"}


def write_set(folder: Path, prompt: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for split, sheet in (("Train", "Train_text"), ("Test", "Test_text_original")):
        path = folder / "Prompts_Folder" / f"{sheet}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        for number in range(4):
            y, x = rng.integers(12, 36, 2)
            mask = np.hypot(*(np.mgrid[:48, :48] - np.array([y, x])[:, None, None])) < 8
            for kind, pixels in (("img", 60 + 120 * mask), ("label", 255 * mask)):
                (folder / f"{split}_Folder" / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{split}_Folder" / kind / f"{number}.png")
            path.write_bytes(with_row(path, f"{number}.png", prompt, f"{number}.png"))


@pytest.fixture
def a_configuration(tmp_path: Path) -> Callable[..., Path]:
    """Factory of a configuration file; fields may be replaced."""
    for seed, (name, prompt) in enumerate(PROMPTS.items()):
        write_set(tmp_path / name, prompt, seed)

    def make(**changes: Any) -> Path:
        fields = {
            "out": "results",
            "sets": {**{name: name for name in PROMPTS}, "gone": "gone"},
            "transfer": {"breasts": ["others", "gone"]},
            "shares": [50, 100],
            "styles": ["original", "contradictory", "neutral", "absent"],
            "seeds": [1],
            "samples": 1,
            "limit": 2,
            "train_on": ["breasts"],
            "recipe": "small",
            "unet_channels": [8, 16],
            "training": TRAINING,
        }
        path = tmp_path / "tables.json"
        path.write_text(json.dumps({**fields, **changes}))
        return path

    return make
