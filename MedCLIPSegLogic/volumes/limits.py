"""What is checked of an image file before any voxel is read: that it is a file, and that its claims can be true."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from ..errors import MedCLIPSegError

MOST_PACKED = 1100
"""Deflate packs at most 1032 bytes into one; what claims more lies."""
BYTES_BESIDE_VOXEL = 9
"""A run needs at least a mask and two float32 maps beside the image."""
MOST_FREE_SHARE = 0.9
CONTROL_GROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def check_is_file(path: Path) -> None:
    """Refuse what is no regular file, such as a device or a pipe, also at the end of a link.

    Raises:
        MedCLIPSegError: it is none.
    """
    if not path.resolve().is_file():
        raise MedCLIPSegError(f"{path} is not a regular file; give an image file.")


def check_claim(path: Path, voxels: int, bytes_per_voxel: int, stored: int | None = None, packed: bool = False) -> None:
    """Hold the size that a header claims against the file and the free memory.

    Args:
        path: named in errors.
        voxels: claimed number; all pages, frames and time points.
        bytes_per_voxel: over all components.
        stored: bytes in which the voxels lie; None where the format does not tell.
        packed: they are compressed.

    Raises:
        MedCLIPSegError: the file is too short for its claim, or the image and one result exceed the memory.
    """
    claimed = voxels * bytes_per_voxel
    if stored is not None and claimed > stored * (MOST_PACKED if packed else 1):
        raise MedCLIPSegError(
            f"{path} holds fewer voxels than its header says; it may be incomplete, so copy or export it again."
        )
    needed, free = voxels * (bytes_per_voxel + BYTES_BESIDE_VOXEL), int(free_memory() * MOST_FREE_SHARE)
    if needed > free:
        raise MedCLIPSegError(
            f"{path} needs {needed / 2**30:.1f} GB of memory, but only {free / 2**30:.1f} GB are free; close other "
            "programs or cut out the part to segment."
        )


def free_memory() -> int:
    """Bytes of main memory that this process can still take: of the machine, of its container, of its own limit."""
    return max(0, min([psutil.virtual_memory().available, *_left_of_group(), *_left_of_process()]))


def _left_of_group() -> Iterator[int]:
    """What the control groups of Linux leave, in which containers and batch systems run; the cache of files counts."""
    try:
        own = CONTROL_GROUPS / OWN_GROUPS.read_text().rpartition("0::/")[2].strip()
        for group in (own, *own.parents):
            if group.is_relative_to(CONTROL_GROUPS) and (most := (group / "memory.max").read_text().strip()) != "max":
                cache = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())["inactive_file"]
                yield int(most) - int((group / "memory.current").read_text()) + int(cache)
    except (OSError, ValueError, KeyError):
        return


def _left_of_process() -> Iterator[int]:
    """What ``ulimit -v`` leaves."""
    if sys.platform != "win32":
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            yield most - psutil.Process().memory_info().vms
