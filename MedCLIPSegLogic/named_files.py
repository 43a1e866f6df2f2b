"""Which files may be opened: named in Unicode, and of those that another file names only such as lie in its folder."""

from __future__ import annotations

from pathlib import Path

from .errors import MedCLIPSegError, on_one_line


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


def unicode_name(path: Path) -> str:
    """The path as text for ITK and VTK, which end the whole program over a name in another encoding.

    Raises:
        MedCLIPSegError: its name, or that of a folder above, is no Unicode.
    """
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise MedCLIPSegError(
            f"{on_one_line(name)} has a character in its name that programs cannot read; rename the file or its folder."
        ) from error
    return name
