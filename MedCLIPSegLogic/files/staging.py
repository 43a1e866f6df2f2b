"""Output that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import MedCLIPSegError
from .json_reading import read_json


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


RECORD_FILE = "run.json"
BACKUP_FOLDER = ".earlier"


@contextmanager
def staged_folder(out: Path, overwrite: bool, record: str = RECORD_FILE) -> Iterator[Path]:
    """A temporary folder whose files move into ``out`` when the block ends without an exception.

    Args:
        out: result folder; made when missing, other files in it are left alone.
        overwrite: replace the results of an earlier run, which its record lists.
        record: JSON file among the results with a list of all of them under "files".

    Raises:
        MedCLIPSegError: ``out`` holds results and ``overwrite`` is False, or it cannot be written.
    """
    earlier = check_free(out, overwrite, record)
    try:
        # Inside an existing folder, which may be a mount point or the only place that can be written.
        parent = out if out.is_dir() else next(folder for folder in out.absolute().parents if folder.exists())
        staging = scratch_folder(parent, out.name)
    except OSError as error:
        raise MedCLIPSegError(f"The folder {out} cannot be written: {error.strerror}.") from None
    try:
        yield staging
        _move(staging, out, earlier, record)
    except OSError as error:
        raise MedCLIPSegError(f"The results cannot be written to {out}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def scratch_folder(parent: Path, name: str) -> Path:
    """A new hidden folder for what is to become ``name``, with the rights new folders have.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=parent))
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
    return folder


def check_free(out: Path, overwrite: bool, record: str = RECORD_FILE) -> list[Path]:
    """Files of an earlier run that may be replaced, the record last.

    Raises:
        MedCLIPSegError: there are such files and ``overwrite`` is False, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise MedCLIPSegError(f"{out} is a file; give a folder for the results.")
    if not (out / record).is_file():
        return []
    if not overwrite:
        raise MedCLIPSegError(f"The folder {out} already holds results; use --overwrite or another folder.")
    try:
        names = [str(name) for name in read_json(out / record)["files"]]
    except (MedCLIPSegError, OSError, KeyError, TypeError):
        names = []
    # A name that leads elsewhere was not written by us.
    ours = [out / name for name in names if Path(name).name == name and name != record]
    return [path for path in ours if path.is_file()] + [out / record]


def _move(staging: Path, out: Path, earlier: list[Path], record: str) -> None:
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        move_into_place([(staging, out)], [], staging)
        return
    fresh = sorted(staging.iterdir(), key=lambda path: path.name == record)
    taken = [path.name for path in fresh if (out / path.name).exists() and (out / path.name) not in earlier]
    if taken:
        raise MedCLIPSegError(f"The folder {out} already has a file named {taken[0]}; choose another folder.")
    move_into_place([(path, out / path.name) for path in fresh], earlier, staging / BACKUP_FOLDER)
