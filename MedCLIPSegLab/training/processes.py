"""The processes of a run: one, or several started by ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.device import choose_device

Value = TypeVar("Value")


@dataclass(frozen=True)
class Processes:
    """This process among all.

    Args:
        rank: number of this process, from 0; 0 is the one that writes files.
        count: number of processes.
        device: where this process computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """True for the process that validates and writes files."""
        return self.rank == 0

    def on_first(self, action: Callable[[], Value]) -> Value:
        """Do something in the first process only and give all of them its result, or its error.

        Args:
            action: returns something that can be pickled between the processes of one run.

        Raises:
            MedCLIPSegError: the action did, in the first process.
        """
        if self.count == 1:
            return action()
        answer: list[object] = [None, None]
        failure: Exception | None = None
        if self.is_first:
            try:
                answer = [action(), None]
            except Exception as error:  # the others must not wait for ever
                failure, answer = error, [None, str(error)]
        distributed.broadcast_object_list(answer, src=0, device=self.device)
        if failure is not None:
            raise failure
        if answer[1] is not None:
            raise MedCLIPSegError(str(answer[1]))
        return answer[0]  # type: ignore[return-value]

    def own_rows(self, count: int) -> list[int]:
        """The rows of a batch this process computes: every ``count``-th, filled up so that all have as many."""
        rows = list(range(count))
        rows += [rows[number % count] for number in range(-count % self.count)]
        return rows[self.rank :: self.count]

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over the processes; itself when there is only one."""
        if self.count == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, devices)


@contextmanager
def join_processes(device: str) -> Iterator[Processes]:
    """Join the run that ``torchrun`` started, or run alone.

    Args:
        device: "auto", "cpu" or "cuda"; with several cards each process takes the one of its number on its machine.

    Raises:
        MedCLIPSegError: the device is not there.
    """
    chosen = choose_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise MedCLIPSegError(
                f"torchrun started more processes than the {torch.cuda.device_count()} graphics cards of this machine; "
                "lower --nproc-per-node."
            )
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), chosen)
    finally:
        distributed.destroy_process_group()


def rows_in_parts(rows: Sequence[int], parts: int) -> list[list[int]]:
    """Rows in consecutive parts of nearly equal length, none of them empty."""
    parts = min(parts, len(rows))
    bounds = [round(number * len(rows) / parts) for number in range(parts + 1)]
    return [list(rows[start:end]) for start, end in pairwise(bounds)]
