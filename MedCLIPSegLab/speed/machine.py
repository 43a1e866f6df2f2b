"""The computer that is measured, in terms that tell nothing of its owner, and the peak memory of a task on it."""

from __future__ import annotations

import multiprocessing
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch

from MedCLIPSegLogic.inference.threads import threads_for
from MedCLIPSegLogic.version import __version__

from .peak_memory import peak_memory

Value = TypeVar("Value")


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Processor, memory, graphics card and versions, ready for JSON."""
    machine: dict[str, Any] = {
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "medclipseg": __version__,
    }
    if device.type == "cuda":
        machine["graphics_card"] = torch.cuda.get_device_name(device)
    return machine


def _processor() -> str:
    """Model of the processor, as the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


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
    with threads_for(threads):
        return task(*arguments), peak_memory()
