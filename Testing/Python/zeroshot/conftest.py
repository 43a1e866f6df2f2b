"""Towers of every flavor, small, and planted ones whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from published_files import SMALL, small_network, write_vocabulary
from torch import Tensor, nn
from torch.nn import functional

from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, copy_byte_pairs
from MedCLIPSegLogic.zeroshot.towers import ClipTowers, PreparedImage

Result = TypeVar("Result")


def finish(steps: Generator[None, None, Result]) -> tuple[int, Result]:
    """Number of steps and the result."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return count, end.value
        count += 1


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


class PlantedTowers(ClipTowers):
    """Towers in which only patch (1, 2) of 4 x 4 speaks to the image vector, and only as far as it is bright.

    The last block is a layer norm and an attention that reads that patch alone; a bright patch turns the image vector
    towards the first axis, which is what the text means.
    """

    PATCH = 1 + 1 * 4 + 2

    def __init__(self) -> None:
        self.image_size, self.blocks, self.grid = 32, 2, (4, 4)
        self._norm = nn.Identity()

    def prepare(self, pixels: np.ndarray) -> PreparedImage:
        from MedCLIPSegLogic.inference.preprocess import Placement

        image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
        size = (pixels.shape[0], pixels.shape[1])
        return PreparedImage(
            functional.interpolate(image, (32, 32), mode="bilinear", align_corners=False),
            Placement(size, 32, 0, 0, 32, 32),
        )

    def begin(self, images: Tensor, last: int) -> Tensor:
        patches = functional.avg_pool2d(images.mean(dim=1, keepdim=True), 8).flatten(1)
        bright = torch.stack([patches, 1 - patches, patches * 0 + 0.1], dim=-1)
        return torch.cat([bright.mean(dim=1, keepdim=True), bright], dim=1)

    def finish(self, tokens: Tensor, first: int) -> Tensor:
        return functional.normalize(self._norm(tokens)[:, self.PATCH], dim=-1)

    def norm(self, block: int, second: bool) -> nn.Module:
        return self._norm


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
