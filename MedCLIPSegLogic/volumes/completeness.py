"""Whether a file that was just written is whole: some writers don't notice a full disk."""

from __future__ import annotations

import errno
import os
import zlib
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 1 << 20


def require_complete(path: Path) -> None:
    """Make sure that the compressed voxels of a file end as they must.

    Args:
        path: file ending in ``.nii.gz`` or ``.nrrd``; uncompressed NRRD files aren't looked at.

    Raises:
        OSError: the file is cut off or damaged.
    """
    with path.open("rb") as file:
        if path.name.endswith(".nrrd") and not _is_header_of_gzip(file):
            return
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            while not stream.eof and (block := file.read(BLOCK_BYTES)):
                stream.decompress(block)
        except zlib.error:
            pass
    if not stream.eof:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _is_header_of_gzip(file: BinaryIO) -> bool:
    """Read a NRRD header up to its voxels; True when they are compressed, or when the header is cut off."""
    is_compressed = False
    for line in file:
        is_compressed = is_compressed or line.strip().lower() in (b"encoding: gzip", b"encoding: gz")
        if not line.strip():
            return is_compressed
    return True
