"""The computer a benchmark ran on, in terms that tell nothing of its owner."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import psutil
import torch

from MedCLIPSegLogic.version import __version__


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
