"""Several renames as one step: those that were begun are finished, even when the process was killed between them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

JOURNAL_FILE = "moves.json"
MAX_JOURNAL_BYTES = 16 * 2**20
EARLIER_FOLDER = "earlier"


def move_into_place(moves: Sequence[tuple[Path, Path]], replaced: Sequence[Path], scratch: Path) -> None:
    """Move files or folders to where they belong; when a move fails, everything is as it was before.

    What is to be done is on the disk before the first of several renames. Killed between two of them, what is left is
    done by :func:`finish_moves`.

    Args:
        moves: (from, to) on one file system, in their order, all below the parent of ``scratch``. The target of the
            last one may be a file, which is replaced in one step; at the others there is nothing, or what ``replaced``
            names.
        replaced: files or folders that make room first; they stay in ``scratch``, which the caller removes.
        scratch: from :func:`.scratch.scratch_folder`; what is moved lies in it.

    Raises:
        OSError: something cannot be moved.
    """
    kept = [(path, _earlier(scratch, number)) for number, path in enumerate(replaced)]
    renames = [*kept, *moves]
    if kept:
        (scratch / EARLIER_FOLDER).mkdir(exist_ok=True)
    for source, _ in moves:
        _sync_all(source)
    if len(renames) > 1:
        _write_journal(moves, replaced, scratch)
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in renames:
            source.replace(target)
            moved.append((source, target))
    except BaseException:
        for source, target in reversed(moved):
            target.replace(source)
        (scratch / JOURNAL_FILE).unlink(missing_ok=True)
        raise
    _end(scratch, renames)


def finish_moves(scratch: Path) -> None:
    """Do what is left of the moves that a killed process had begun; nothing where none were begun.

    Args:
        scratch: the folder that was given to :func:`move_into_place`.

    Raises:
        OSError: something cannot be moved; it can be tried again.
    """
    renames = _read_journal(scratch)
    for source, target in renames:
        # What was there before goes away once; then there may be something new in its place.
        is_away = target.parent == scratch / EARLIER_FOLDER and os.path.lexists(target)
        if os.path.lexists(source) and not is_away:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
    if renames:
        _end(scratch, renames)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folders, some network drives do not sync them
        _sync(folder)


def _write_journal(moves: Sequence[tuple[Path, Path]], replaced: Sequence[Path], scratch: Path) -> None:
    """Paths are relative, so that the folder may meanwhile be moved or be seen from elsewhere."""
    journal = {
        "replaced": [path.relative_to(scratch.parent).as_posix() for path in replaced],
        "moves": [
            [source.relative_to(scratch).as_posix(), target.relative_to(scratch.parent).as_posix()]
            for source, target in moves
        ],
    }
    temporary = scratch / f"{JOURNAL_FILE}.new"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(scratch / JOURNAL_FILE)
    sync_folder(scratch)
    sync_folder(scratch.parent)


def _read_journal(scratch: Path) -> list[tuple[Path, Path]]:
    """The renames of a journal; none where it is not one of ours, or speaks of anything outside of its place."""
    try:
        with (scratch / JOURNAL_FILE).open("rb") as file:
            journal = json.loads(file.read(MAX_JOURNAL_BYTES))
        kept = [(_below(scratch.parent, path), _earlier(scratch, n)) for n, path in enumerate(journal["replaced"])]
        return kept + [(_below(scratch, source), _below(scratch.parent, target)) for source, target in journal["moves"]]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, ValueError, RecursionError):
        return []


def _below(folder: Path, name: Any) -> Path:
    """A path below a folder; a ValueError for one that leads out of it, be it through a link."""
    relative = PurePosixPath(name)
    path = folder / relative
    if not relative.parts or relative.is_absolute() or ".." in relative.parts:
        raise ValueError(name)
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(name)
    return path


def _earlier(scratch: Path, number: int) -> Path:
    return scratch / EARLIER_FOLDER / str(number)


def _end(scratch: Path, renames: Iterable[tuple[Path, Path]]) -> None:
    for folder in {path.parent for pair in renames for path in pair}:
        sync_folder(folder)
    (scratch / JOURNAL_FILE).unlink(missing_ok=True)
    sync_folder(scratch)


def _sync_all(path: Path) -> None:
    """Bring a file, or a folder with all that is in it, to the disk."""
    if not path.is_dir():
        _sync(path)
        return
    for entry in path.rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            _sync(entry)
    for folder in [path, *(entry for entry in path.rglob("*") if entry.is_dir())]:
        sync_folder(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" and path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
