"""Text files of unknown origin, read whole: settings, records, sheets."""

from __future__ import annotations

from pathlib import Path

from ..errors import MedCLIPSegError

MAX_BYTES = 64 * 2**20
"""More than any sheet or record has."""


def read_bytes(path: Path) -> bytes:
    """What a file of sensible size holds.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: it cannot be read, is no regular file (a pipe or a device would not end), or is too large.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise MedCLIPSegError(f"{path} cannot be read: it is not a regular file.")
        if size > MAX_BYTES:
            raise MedCLIPSegError(
                f"{path} has {size / 1e6:,.0f} MB, more than the {MAX_BYTES / 1e6:,.0f} MB it may have."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise MedCLIPSegError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def read_text(path: Path) -> str:
    """Text in UTF-8, with line ends as they are and without the mark at its beginning that some programs write.

    Raises:
        FileNotFoundError: there is none.
        MedCLIPSegError: as of :func:`read_bytes`, or it is no text in UTF-8; the sentence names the line.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MedCLIPSegError(f"{path} cannot be read: line {line} is not text in UTF-8; save it so.") from None
