"""Sources of the Gaussian noise ε that the adapters add to their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import MedCLIPSegError

Direction = Literal["image_from_text", "text_from_image"]
DIRECTIONS: tuple[Direction, ...] = ("image_from_text", "text_from_image")


class NoiseSource(Protocol):
    """Gives the noise of one attention of one adapter."""

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        """Standard normal noise of the shape, type and device of ``values`` (B, Tk, C)."""
        ...


class FreshNoise:
    """New noise from torch's global generator at every call: for training."""

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        return torch.randn_like(values)


class ReplayedNoise:
    """Stored noise, for golden files.

    Args:
        tensors: ``{"adapter<a>.<direction>": (B, Tk, C)}``.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors

    def __call__(self, adapter: int, direction: Direction, values: Tensor) -> Tensor:
        try:
            return self._tensors[f"adapter{adapter}.{direction}"].to(values)
        except KeyError:
            raise MedCLIPSegError(f"The noise of adapter {adapter} ({direction}) is missing.") from None


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
        noise = np.stack([self._row(slice_index, sample, stream, shape) for slice_index, sample in self._rows])
        return torch.from_numpy(noise).to(device=values.device, dtype=values.dtype)

    def _row(self, slice_index: int, sample: int, stream: int, shape: tuple[int, ...]) -> np.ndarray:
        # The lowest counter word runs with the draws; the others keep the streams apart.
        key = np.array([self._seed, slice_index], np.uint64)
        bits = np.random.Philox(key=key, counter=np.array([0, 0, stream, sample], np.uint64))
        return np.random.Generator(bits).standard_normal(shape, dtype=np.float32)
