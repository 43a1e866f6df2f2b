"""Files that are replaced whole or not at all; results, records and models are written through here."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import MedCLIPSegError
from .moving import sync_folder
from .scratch import scratch_folder

WAIT_SECONDS = 60.0


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file of the same name, in a folder beside ``path``, that takes its place when the block ends.

    The content is on the disk before the old file goes, so a crash, a full disk or an exception leaves one of the two.
    Another process that writes the same file is waited for.

    Args:
        path: file to write; its folder exists.

    Raises:
        OSError: the file, which the error names, cannot be written; the old one is still there.
    """
    try:
        with scratch_folder(path, WAIT_SECONDS) as folder:
            temporary = folder / path.name
            yield temporary
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    except Exception as error:
        if not _is_of_safetensors(error):
            raise
        raise OSError(errno.EIO, str(error), str(path)) from error


def _is_of_safetensors(error: Exception) -> bool:
    """Whether it is how safetensors, which may not be installed yet, tells of a failure to write."""
    safetensors = sys.modules.get("safetensors")
    return safetensors is not None and isinstance(error, safetensors.SafetensorError)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file whole.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Replace a text file whole, in UTF-8, with line ends as they are.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    # File names may hold lone surrogates; within JSON text this is how they are spelled.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def json_text(data: Any) -> str:
    """Data as indented JSON text with a line end; JSON has no NaN and no infinity, which become null."""
    return json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def write_json(path: Path, data: Any) -> None:
    """Replace a file whole with JSON.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    write_text(path, json_text(data))


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]], encoding: str = "utf-8") -> None:
    """Replace a comma-separated table whole.

    Args:
        path: file to write.
        columns: of the first line.
        rows: cells in the order of the columns; None is an empty cell.
        encoding: "utf-8-sig" for tables that spreadsheet programs shall open.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode(encoding, "replace"))


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
