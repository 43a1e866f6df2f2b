"""Stochastic passes in batches of samples and slices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar

import torch
from torch import Tensor

from ..model.network import MedCLIPSeg
from ..model.noise import MeanNoise, NoiseSource, SeededNoise
from ..model.states import ImageState, PairState, TextState, join_pairs
from .device import autocast, is_out_of_memory, to_device
from .preprocess import PreparedSlice
from .request import Precision
from .uncertainty import RunningSums

Computed = TypeVar("Computed")


@dataclass(eq=False)
class SliceSamples:
    """One prompt on one slice: the slice, what is shared by all samples, and the samples drawn so far.

    Args:
        slice: the slice.
        pair: what is shared by all samples.
        sums: of the samples.
    """

    slice: PreparedSlice
    pair: PairState
    sums: RunningSums


class Passes:
    """Runs the network on one device.

    Args:
        network: on its device.
        device: the device.
        precision: numbers of the towers, as chosen by :func:`choose_precision`.
        seed: of the noise.
        batch_size: passes computed together; halved for good when memory runs out.
    """

    def __init__(
        self, network: MedCLIPSeg, device: torch.device, precision: Precision, seed: int, batch_size: int
    ) -> None:
        self._network, self._device, self._precision, self._seed = network, device, precision, seed
        self.batch_size = batch_size

    def encode_text(self, token_ids: Tensor) -> TextState:
        """Prompt (1, T) up to the first noise."""
        with torch.inference_mode(), autocast(self._precision, self._device):
            return self._network.encode_text(to_device(token_ids, self._device))

    def encode_images(self, images: Sequence[Tensor]) -> list[ImageState]:
        """Images (3, S, S) up to the first noise, in batches."""
        states: list[ImageState] = []
        while len(states) < len(images):
            batch = images[len(states) : len(states) + self.batch_size]
            state = self._fitting(len(batch), partial(self._encode, batch))
            if state is not None:
                states += [state.row(row) for row in range(len(batch))]
        return states

    def _encode(self, images: Sequence[Tensor]) -> ImageState:
        with torch.inference_mode(), autocast(self._precision, self._device):
            return self._network.encode_images(to_device(torch.stack(list(images)), self._device))

    def meet(self, image: ImageState, text: TextState) -> PairState:
        """One image and one prompt, up to the first noise."""
        with torch.inference_mode(), autocast(self._precision, self._device):
            return self._network.meet(image, text)

    def preview(self, pair: PairState) -> Tensor:
        """Probability (S, S) of a single pass with the noise at its mean."""
        return self.preview_all([pair])[0]

    def preview_all(self, pairs: Sequence[PairState]) -> Tensor:
        """Probabilities (B, S, S) of such a pass for each pair; no more than ``batch_size`` pairs."""
        return self._decode(join_pairs(pairs, [1] * len(pairs)), MeanNoise())

    def draw(self, works: Sequence[SliceSamples], count: int) -> Iterator[list[SliceSamples]]:
        """Draw samples until each work has ``count``; yields the works of a batch after every batch.

        Args:
            works: of one prompt.
            count: samples each shall have.
        """
        pending = [(work, sample) for work in works for sample in range(work.sums.count, count)]
        while pending:
            rows = pending[: self.batch_size]
            # The works, and how often each comes in a row.
            batch = [(work, len(list(group))) for work, group in groupby(work for work, _ in rows)]
            probabilities = self._fitting(len(rows), partial(self._sample, rows, batch))
            if probabilities is None:
                continue
            for (work, _), part in zip(batch, probabilities.split([n for _, n in batch]), strict=True):
                work.sums.add(part)
            pending = pending[len(rows) :]
            yield [work for work, _ in batch]

    def _sample(self, rows: Sequence[tuple[SliceSamples, int]], batch: Sequence[tuple[SliceSamples, int]]) -> Tensor:
        """Probabilities (B, S, S) of some slices' samples; ``batch`` has the slices and how often each comes."""
        noise = SeededNoise(self._seed, [(work.slice.index, sample) for work, sample in rows])
        return self._decode(join_pairs([work.pair for work, _ in batch], [times for _, times in batch]), noise)

    def _decode(self, pair: PairState, noise: NoiseSource) -> Tensor:
        """Probabilities (B, S, S) of one pass a row."""
        with torch.inference_mode(), autocast(self._precision, self._device):
            return self._network.decode(pair, noise).logits.float().sigmoid()

    def _fitting(self, rows: int, compute: Callable[[], Computed]) -> Computed | None:
        """What is computed of so many rows; None when memory ran out, and batches are smaller from now on."""
        try:
            return compute()
        except (MemoryError, RuntimeError) as error:
            if rows == 1 or not is_out_of_memory(error):
                raise
        # Outside the handler: an exception that is being handled keeps the tensors of its frames alive.
        self.batch_size = rows // 2
        logging.warning("Memory ran out with %d passes at once; going on with %d.", rows, self.batch_size)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return None
