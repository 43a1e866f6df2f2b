"""Peak memory of a task, in a process of its own."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch

Value = TypeVar("Value")


def in_new_process(task: Callable[..., Value], *arguments: Any) -> tuple[Value, int]:
    """Run a task in a new process with the threads of this one.

    Args:
        task: a function of a module.
        arguments: for it; they and its value must be picklable.

    Returns:
        Its value, and the most bytes of main memory the process ever held, libraries and model included.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_run, task, torch.get_num_threads(), arguments).result()


def _run(task: Callable[..., Value], threads: int, arguments: tuple[Any, ...]) -> tuple[Value, int]:
    torch.set_num_threads(threads)
    return task(*arguments), _peak()


def _peak() -> int:
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return int(memory.peak_wset)
    if sys.platform == "darwin":
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    # Linux hands the peak of getrusage on to child processes, but not this one.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
