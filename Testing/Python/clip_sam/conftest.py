"""Towers of every flavor, small, and planted ones whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from planted_towers import PlantedTowers
from published_files import SMALL, small_network, write_vocabulary

from MedCLIPSegLogic.inference.clip_towers import ClipTowers, load_towers
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, copy_byte_pairs


@pytest.fixture
def some_towers(tmp_path: Path) -> Callable[[str], ClipTowers]:
    """Factory of the towers of a small flavor with random weights."""

    def make(flavor: str) -> ClipTowers:
        network = small_network(flavor)
        write_vocabulary(tmp_path)
        if SMALL[flavor].tokenizer == "clip":
            copy_byte_pairs(tmp_path)
        return ClipTowers(network, PromptTokenizer(network.config, tmp_path))

    return make


@pytest.fixture
def every_tower(some_towers: Callable[[str], ClipTowers]) -> Callable[[str], ClipTowers]:
    """Factory of the towers of a small flavor, or of those of the bundled model."""
    return lambda name: load_towers(name) if name == "mini" else some_towers(name)


@pytest.fixture
def planted_towers() -> PlantedTowers:
    return PlantedTowers()


@pytest.fixture
def a_planted_image() -> np.ndarray:
    """Bright in patch (1, 2) and, as a distraction, in patch (3, 0); twice as wide as high."""
    image = np.full((64, 128, 3), 25, np.uint8)
    image[16:32, 64:96] = 230
    image[48:64, 0:32] = 230
    return image
