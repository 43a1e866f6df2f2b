"""Which files may be opened: regular ones, and of those that another file names only such as lie in its folder."""

from __future__ import annotations

from pathlib import Path


def file_within(folder: Path, name: str) -> Path | None:
    """The regular file of a name that was read from a file, or None.

    Args:
        folder: in which it must lie, also at the end of links.
        name: relative, without ``..``; may lead into folders of the folder.
    """
    inner, path = Path(name), folder / name
    try:
        if inner.is_absolute() or inner.drive or ".." in inner.parts:
            return None
        return path if path.is_file() and path.resolve().is_relative_to(folder.resolve()) else None
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links in a circle
        return None
