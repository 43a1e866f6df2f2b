"""Files that are replaced whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from .errors import UnwritableFileError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends without an exception.

    The content is on the disk before the old file goes, so a crash or a full disk leaves one of the two.

    Args:
        path: file to write; its folder exists.

    Raises:
        UnwritableFileError: the file cannot be written; the old one is still there.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise UnwritableFileError(path, getattr(error, "strerror", None) or str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file whole, in UTF-8.

    Raises:
        UnwritableFileError: it cannot be written; the old one is still there.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
