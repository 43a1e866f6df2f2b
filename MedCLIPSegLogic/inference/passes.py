"""Stochastic passes in batches of samples and slices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
from .request import Noise, Precision
from .uncertainty import RunningSums

Computed = TypeVar("Computed")
ANY_SLICE = 0
"""Slice whose noise all slices share when a sample is one draw for the volume; an image of one slice has no other."""


@dataclass(eq=False)
class SliceSamples:
    """One prompt on one slice: the slice, what is shared by all samples, and the samples drawn so far.

    Args:
        slice: the slice.
        pair: what is shared by all samples.
        sums: of the samples.
        threshold: of the samples' own masks; None where nobody asks for their sizes.
        sizes: of these masks in pixels of the slice, a tensor (B,) for each batch.
    """

    slice: PreparedSlice
    pair: PairState
    sums: RunningSums
    threshold: float | None = None
    sizes: list[Tensor] = field(default_factory=list)

    def add(self, probabilities: Tensor) -> None:
        """Add samples (B, S, S)."""
        self.sums.add(probabilities)
        if self.threshold is not None:
            self.sizes.append(self.slice.placement.sizes(probabilities > self.threshold))


class Passes:
    """Runs the network on one device.

    Args:
        network: on its device.
        device: the device.
        precision: numbers of the towers, as chosen by :func:`choose_precision`.
        seed: of the noise.
        batch_size: passes computed together; halved for good when memory runs out.
        noise: what one draw of a sample's noise is for.
    """

    def __init__(
        self,
        network: MedCLIPSeg,
        device: torch.device,
        precision: Precision,
        seed: int,
        batch_size: int,
        noise: Noise = "slice",
    ) -> None:
        self._network, self._device, self._precision, self._seed = network, device, precision, seed
        self._noise = noise
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
                work.add(part)
            pending = pending[len(rows) :]
            yield [work for work, _ in batch]

    def _sample(self, rows: Sequence[tuple[SliceSamples, int]], batch: Sequence[tuple[SliceSamples, int]]) -> Tensor:
        """Probabilities (B, S, S) of some slices' samples; ``batch`` has the slices and how often each comes."""
        is_shared = self._noise == "volume"
        drawn = [(ANY_SLICE if is_shared else work.slice.index, sample) for work, sample in rows]
        noise = SeededNoise(self._seed, drawn)
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
