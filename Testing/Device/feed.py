"""Batches from many processes: workers draw examples into shared memory, a thread brings them to the card."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

import cv2
import numpy as np
import torch
from examples import KindSampler
from numpy.typing import NDArray
from torch import Tensor

from MedCLIPSegLab.training.text_targets import place_of

TOKENS = 64


@dataclass(frozen=True, eq=False)
class DeviceBatch:
    """Examples on the device.

    Args:
        images: (B, S, S, 3) uint8.
        labels: (B, S, S) uint8, 1 for what is asked for, 2 for what else the prompt could mean.
        token_ids: (B, T) int64, no longer than the longest prompt.
        places: (B, 3) float, see ``place_of``.
    """

    images: Tensor
    labels: Tensor
    token_ids: Tensor
    places: Tensor


class Ring:
    """Slots in memory that all processes share.

    Args:
        slots: how many.
        batch: examples a slot.
        size: side of a picture.
    """

    def __init__(self, slots: int, batch: int, size: int) -> None:
        def shared(shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
            count = int(np.prod(shape))
            return np.frombuffer(mmap.mmap(-1, count * np.dtype(kind).itemsize), kind, count).reshape(shape)

        self.images = shared((slots, batch, size, size, 3), np.uint8)
        self.labels = shared((slots, batch, size, size), np.uint8)
        self.tokens = shared((slots, batch, TOKENS), np.int64)
        self.places = shared((slots, batch, 3), np.float32)


class Feed:
    """Starts the workers; must be made before the card is touched, since they are forked.

    Args:
        sampler: draws the examples.
        tokenizer: of the network.
        workers: processes.
        batch, size: of a batch.
        slots: batches that are ready or being made.
    """

    def __init__(
        self,
        sampler: KindSampler,
        tokenizer: Callable[[Sequence[str]], Tensor],
        workers: int,
        batch: int,
        size: int,
        slots: int,
    ) -> None:
        context = multiprocessing.get_context("fork")
        self._ring = Ring(slots, batch, size)
        self._empty, self._full = context.SimpleQueue(), context.SimpleQueue()
        for slot in range(slots):
            self._empty.put(slot)
        self._processes: list[BaseProcess] = []
        for number in range(workers):
            arguments = (sampler, tokenizer, self._ring, self._empty, self._full, number, workers)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            self._processes.append(process)
        self._ready: queue.Queue[tuple[DeviceBatch, Any]] = queue.Queue(3)

    def begin(self, device: torch.device) -> None:
        """Begin to bring batches to the device."""
        threading.Thread(target=self._bring, args=(device,), daemon=True).start()

    def waiting(self) -> int:
        """Batches that are ready on the device."""
        return self._ready.qsize()

    def __call__(self) -> DeviceBatch:
        """The next batch.

        Raises:
            RuntimeError: no worker delivers any more.
        """
        try:
            batch, arrived = self._ready.get(timeout=60)
        except queue.Empty:
            raise RuntimeError("No worker delivers examples any more.") from None
        if arrived is not None:
            stream = torch.cuda.current_stream()
            stream.wait_event(arrived)
            for tensor in (batch.images, batch.labels, batch.token_ids, batch.places):
                tensor.record_stream(stream)
        return batch

    def close(self) -> None:
        """End the workers."""
        for process in self._processes:
            process.kill()

    def _bring(self, device: torch.device) -> None:
        stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        while True:
            slot = self._full.get()
            ring = self._ring
            length = int((ring.tokens[slot] != 0).any(axis=0).nonzero()[0].max()) + 1
            parts = (ring.images[slot], ring.labels[slot], ring.tokens[slot][:, :length], ring.places[slot])
            with torch.cuda.stream(stream) if stream else contextlib.nullcontext():
                held = [torch.from_numpy(np.ascontiguousarray(part)) for part in parts]
                held = [part.pin_memory() for part in held] if stream else [part.clone() for part in held]
                moved = [part.to(device, non_blocking=True) for part in held]
                arrived = stream.record_event() if stream else None
            if arrived is not None:
                arrived.synchronize()
            self._empty.put(slot)
            self._ready.put((DeviceBatch(*moved), arrived))


def _work(
    sampler: KindSampler,
    tokenizer: Callable[[Sequence[str]], Tensor],
    ring: Ring,
    empty: Any,
    full: Any,
    number: int,
    count: int,
) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = ring.images.shape[1]
    step = number
    while True:
        slot = empty.get()
        texts = []
        for row in range(rows):
            image, text, labels, _ = sampler.example(step, row)
            ring.images[slot, row], ring.labels[slot, row] = image, labels
            ring.places[slot, row] = place_of(text)
            texts.append(text)
        ids = tokenizer(texts).numpy()
        ring.tokens[slot] = 0
        ring.tokens[slot, :, : ids.shape[1]] = ids
        full.put(slot)
        step += count
