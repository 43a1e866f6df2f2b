"""What libraries below Python print, kept off the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STANDARD_ERROR = 2


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Send the error stream of the whole process to nowhere while the block runs; errors are raised all the same."""
    kept = -1
    with suppress(OSError):  # a program without a terminal may have no such stream
        kept = os.dup(STANDARD_ERROR)
    try:
        if kept >= 0:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), STANDARD_ERROR)
        yield
    finally:
        if kept >= 0:
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
