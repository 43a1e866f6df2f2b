"""The last step of everything that appears whole: finished files and folders move to their places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def move_into_place(moves: Sequence[tuple[Path, Path]], replaced: Sequence[Path], backup: Path) -> None:
    """Move files or folders to where they belong; when a move fails, everything is as it was before.

    Args:
        moves: (from, to) on one file system, in their order. The target of the last one may be a file, which is
            replaced in one step; at the others there is nothing, or what ``replaced`` names.
        replaced: files or folders that make room first.
        backup: folder they go into; made when needed, and the caller's to remove.

    Raises:
        OSError: something cannot be moved.
    """
    moved: list[tuple[Path, Path]] = []
    try:
        for path in replaced:
            backup.mkdir(exist_ok=True)
            path.replace(backup / path.name)
            moved.append((path, backup / path.name))
        for source, target in moves:
            source.replace(target)
            moved.append((source, target))
    except BaseException:
        for source, target in reversed(moved):
            target.replace(source)
        raise
