"""Hidden folders beside what is being written: one process's alone while it runs, put right and removed afterwards.

``.NAME.part`` beside NAME holds a lock file. The lock goes with its process, however that ends, over network drives and
between containers too; so what nobody holds was left by a killed process.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import MedCLIPSegError
from .moving import JOURNAL_FILE, finish_moves

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE = "medclipseg.lock"
LOCK_MODE = 0o644
"""In a folder with files that others may write to, filelock leaves files of its own for a moment."""
ENDING = ".part"


@contextmanager
def scratch_folder(path: Path, wait: float = 0.0) -> Iterator[Path]:
    """A hidden, empty folder for what is to become ``path``, no other process's while the block runs; then it goes.

    Args:
        path: to be written; its parent exists.
        wait: seconds to wait for another process that has the folder.

    Raises:
        TimeoutError: another process has it.
        OSError: it cannot be made.
    """
    folder = path.with_name(f".{path.name}{ENDING}")
    lock = _hold(folder, path, wait)
    try:
        finish_moves(folder)
        _empty(folder)
        yield folder
    finally:
        _leave(folder, lock)


def recover(folder: Path) -> None:
    """Finish what killed processes had begun to move in a folder, and remove what else they left.

    Raises:
        MedCLIPSegError: half of a result is in its place and the rest cannot be moved there.
    """
    for left in _left_in(folder):
        name = left.name.removeprefix(".").removesuffix(ENDING)
        try:
            with scratch_folder(folder / name):
                pass
        except TimeoutError:
            pass  # its process is alive
        except OSError as error:
            if (left / JOURNAL_FILE).is_file():
                raise MedCLIPSegError(
                    f"A run that was killed left {folder} half replaced, and this cannot be put right "
                    f"({error.strerror or error}); change the permissions and try again."
                ) from None


def _left_in(folder: Path) -> list[Path]:
    """Scratch folders in a folder; in one that everybody may write to, such as /tmp, only those of this person."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name[0] == "." and entry.name.endswith(ENDING)]
        is_public = bool(folder.stat().st_mode & stat.S_ISVTX)
        found = [folder / name for name in names if _is_ours(folder / name)]
        return [path for path in found if not is_public or path.stat().st_uid == os.geteuid()]
    except OSError:
        return []


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and (folder / LOCK_FILE).is_file()


def _hold(folder: Path, path: Path, wait: float) -> BaseFileLock:
    """Make the folder, if it is not there, and lock it."""
    # Late, as the panel opens without it; but before there is a folder, which an end while it is imported would leave.
    import filelock

    latest = time.monotonic() + wait
    while True:
        with suppress(FileExistsError):
            folder.mkdir()
        try:
            _require_ours(folder)
            lock = _locked(filelock, folder / LOCK_FILE, max(0.0, latest - time.monotonic()))
        except (FileExistsError, FileNotFoundError):
            continue  # its former process removed it just now
        if lock is None:
            raise TimeoutError(errno.EBUSY, "another process is writing it", str(path))
        if (folder / LOCK_FILE).is_file():
            return lock
        lock.release()  # of a file that its former process removed


def _require_ours(folder: Path) -> None:
    is_folder = stat.S_ISDIR(folder.lstat().st_mode)
    names = [path.name for path in folder.iterdir()] if is_folder else []
    if not is_folder or (names and LOCK_FILE not in names):
        raise PermissionError(errno.EPERM, "it is in the way and not ours; remove it", str(folder))


def _locked(filelock: ModuleType, file: Path, wait: float) -> BaseFileLock | None:
    """The lock, or None when another process keeps it."""
    lock: BaseFileLock = filelock.FileLock(file, mode=LOCK_MODE)
    try:
        try:
            lock.acquire(timeout=wait)
        except NotImplementedError:  # a file system without locks
            lock = filelock.SoftFileLock(file, mode=LOCK_MODE)
            lock.acquire(timeout=wait)
    except filelock.Timeout:
        return None
    return lock


def _leave(folder: Path, lock: BaseFileLock) -> None:
    """Remove the folder, unless moves could neither be made nor undone: the next one to come finishes them."""
    stays = (folder / JOURNAL_FILE).is_file()
    if not stays:
        _empty(folder)
        _remove(folder)
    lock.release()
    if os.name == "nt" and not stays:  # it removes no open file
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove an empty folder with its lock."""
    with suppress(OSError):
        (folder / LOCK_FILE).unlink(missing_ok=True)
        folder.rmdir()


def _empty(folder: Path) -> None:
    """Remove all but the lock."""
    with suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != LOCK_FILE:
                entry.unlink()
