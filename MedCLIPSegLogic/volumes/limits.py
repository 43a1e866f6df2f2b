"""What is checked of an image file before any voxel is read: that it is a file, and that its claims can be true."""

from __future__ import annotations

from pathlib import Path

import psutil

from ..errors import MedCLIPSegError

MOST_PACKED = 1100
"""Deflate packs at most 1032 bytes into one; what claims more lies."""
BYTES_BESIDE_VOXEL = 9
"""A run needs at least a mask and two float32 maps beside the image."""
MOST_FREE_SHARE = 0.9


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
    """Bytes of main memory that can still be taken."""
    return int(psutil.virtual_memory().available)
