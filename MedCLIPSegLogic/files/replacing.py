"""Files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ..errors import MedCLIPSegError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends without an exception.

    The content is on the disk before the old file goes, so a crash or a full disk leaves one of the two.

    Args:
        path: file to write; its folder exists.

    Raises:
        OSError: the file, which the error names, cannot be written; the old one is still there.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file whole, in UTF-8.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def write_failures_in_words() -> Iterator[None]:
    """Turn the failure to write a file into one sentence.

    Raises:
        MedCLIPSegError: a file could not be written in the block.
    """
    try:
        yield
    except OSError as error:
        raise MedCLIPSegError(
            f"{error.filename or 'A file'} cannot be written ({error.strerror or error}) and is left as it was; free "
            "some space or change the permissions."
        ) from error
