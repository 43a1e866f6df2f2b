"""Sources of the Gaussian noise ε that the adapters add to their values."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

Direction = Literal["image_from_text", "text_from_image"]
DIRECTIONS: tuple[Direction, ...] = ("image_from_text", "text_from_image")


_LARGE = 500_000
"""Numbers from which on several threads draw them."""


class NoiseSource(Protocol):
    """Gives the noise of one attention of one adapter."""

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        """Standard normal noise of the shape, type and device of ``values`` (B, Tk, C)."""
        ...


class FreshNoise:
    """New noise from torch's global generator at every call: for training."""

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        return torch.randn_like(values)


class MeanNoise:
    """The mean of the noise, which is zero: for a single pass that stands for all samples."""

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        return torch.zeros_like(values)


class SeededNoise:
    """Noise that depends only on (seed, slice, sample), one batch row each.

    Every (seed, slice, sample, adapter, direction) has a Philox stream of its own, read in order, so a row is the
    same whatever else is in the batch, and a shorter token sequence gets a prefix of the longer one's noise.

    Args:
        seed: 0…2⁶⁴−1.
        rows: (slice index, sample index) of each batch row, both ≥ 0.
    """

    def __init__(self, seed: int, rows: Sequence[tuple[int, int]]) -> None:
        self._seed = seed
        self._rows = rows

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        shape = tuple(values.shape[1:])
        stream = 2 * adapter + DIRECTIONS.index(direction)
        noise = np.empty((len(self._rows), *shape), np.float32)
        if noise.size < _LARGE or len(self._rows) == 1:
            for row, target in zip(self._rows, noise, strict=True):
                self._fill(target, *row, stream)
        else:
            # numpy lets other threads run while it draws.
            with ThreadPoolExecutor(torch.get_num_threads()) as threads:
                for filled in [threads.submit(self._fill, noise[n], *row, stream) for n, row in enumerate(self._rows)]:
                    filled.result()
        tensor = torch.from_numpy(noise)
        if values.is_cuda:
            tensor = tensor.pin_memory()
        return tensor.to(device=values.device, dtype=values.dtype, non_blocking=True)

    def _fill(self, noise: np.ndarray, slice_index: int, sample: int, stream: int) -> None:
        # The lowest counter word runs with the draws; the others keep the streams apart.
        key = np.array([self._seed, slice_index], np.uint64)
        bits = np.random.Philox(key=key, counter=np.array([0, 0, stream, sample], np.uint64))
        np.random.Generator(bits).standard_normal(out=noise, dtype=np.float32)
