"""Stochastic passes in batches of samples and slices."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from ..model.network import MedCLIPSeg
from ..model.noise import MeanNoise, NoiseSource, SeededNoise
from ..model.states import ImageState, PairState, TextState, join_pairs
from .device import is_out_of_memory, to_device
from .precision import autocast
from .preprocess import PreparedSlice
from .request import Precision
from .uncertainty import RunningSums


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
            try:
                with torch.inference_mode(), autocast(self._precision, self._device):
                    state = self._network.encode_images(to_device(torch.stack(list(batch)), self._device))
            except (MemoryError, RuntimeError) as error:
                self._require_smaller_batch(error, len(batch))
            else:
                states += [state.row(row) for row in range(len(batch))]
                continue
            self._halve(len(batch))
        return states

    def meet(self, image: ImageState, text: TextState) -> PairState:
        """One image and one prompt, up to the first noise."""
        with torch.inference_mode(), autocast(self._precision, self._device):
            return self._network.meet(image, text)

    def preview(self, work: SliceSamples) -> Tensor:
        """Probability (S, S) of a single pass with the noise at its mean."""
        return self._decode(work.pair, MeanNoise())[0]

    def draw(self, works: Sequence[SliceSamples], count: int) -> Iterator[list[SliceSamples]]:
        """Draw samples until each work has ``count``; yields the works of a batch after every batch.

        Args:
            works: of one prompt.
            count: samples each shall have.
        """
        pending = [(work, sample) for work in works for sample in range(work.sums.count, count)]
        while pending:
            rows = pending[: self.batch_size]
            batch = _runs(work for work, _ in rows)
            try:
                probabilities = self._sample(rows, batch)
            except (MemoryError, RuntimeError) as error:
                self._require_smaller_batch(error, len(rows))
            else:
                for (work, _), part in zip(batch, probabilities.split([n for _, n in batch]), strict=True):
                    work.sums.add(part)
                pending = pending[len(rows) :]
                yield [work for work, _ in batch]
                continue
            self._halve(len(rows))

    def _sample(self, rows: Sequence[tuple[SliceSamples, int]], batch: Sequence[tuple[SliceSamples, int]]) -> Tensor:
        """Probabilities (B, S, S) of some slices' samples; ``batch`` has the slices and how often each comes."""
        noise = SeededNoise(self._seed, [(work.slice.index, sample) for work, sample in rows])
        return self._decode(join_pairs([work.pair for work, _ in batch], [times for _, times in batch]), noise)

    def _decode(self, pair: PairState, noise: NoiseSource) -> Tensor:
        """Probabilities (B, S, S) of one pass a row."""
        with torch.inference_mode(), autocast(self._precision, self._device):
            return self._network.decode(pair, noise).logits.float().sigmoid()

    def _require_smaller_batch(self, error: MemoryError | RuntimeError, rows: int) -> None:
        """Raise the error again unless a smaller batch may help."""
        if rows == 1 or not is_out_of_memory(error):
            raise error

    def _halve(self, rows: int) -> None:
        # Outside the handler: an exception that is being handled keeps the tensors of its frames alive.
        self.batch_size = rows // 2
        logging.warning("Memory ran out with %d passes at once; going on with %d.", rows, self.batch_size)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _runs(works: Iterable[SliceSamples]) -> list[tuple[SliceSamples, int]]:
    """Works and how often each comes in a row."""
    return [(work, len(list(group))) for work, group in groupby(works)]
