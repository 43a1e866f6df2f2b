"""Output that appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MedCLIPSegError

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
        parent = out if out.is_dir() else _nearest_existing(out.absolute().parent)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=parent))
    except OSError as error:
        raise MedCLIPSegError(f"The folder {out} cannot be written: {error.strerror}.") from None
    try:
        yield staging
        _move(staging, out, earlier, record)
    except OSError as error:
        raise MedCLIPSegError(f"The results cannot be written to {out}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_free(out: Path, overwrite: bool, record: str = RECORD_FILE) -> list[Path]:
    """Files of an earlier run that may be replaced, the record last.

    Raises:
        MedCLIPSegError: there are such files and ``overwrite`` is False, or ``out`` is a file.
    """
    earlier = _earlier_results(out, record)
    if earlier and not overwrite:
        raise MedCLIPSegError(f"The folder {out} already holds results; use --overwrite or another folder.")
    return earlier


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _earlier_results(out: Path, record_name: str) -> list[Path]:
    if out.exists() and not out.is_dir():
        raise MedCLIPSegError(f"{out} is a file; give a folder for the results.")
    record = out / record_name
    if not record.is_file():
        return []
    try:
        names = [str(name) for name in json.loads(record.read_text(encoding="utf-8"))["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        names = []
    # A name that leads elsewhere was not written by us.
    ours = [out / name for name in names if Path(name).name == name and name != record_name]
    return [path for path in ours if path.is_file()] + [record]


def _move(staging: Path, out: Path, earlier: list[Path], record: str) -> None:
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        umask = os.umask(0)
        os.umask(umask)
        staging.chmod(0o777 & ~umask)
        staging.rename(out)
        return
    fresh = sorted(staging.iterdir(), key=lambda path: path.name == record)
    taken = [path.name for path in fresh if (out / path.name).exists() and (out / path.name) not in earlier]
    if taken:
        raise MedCLIPSegError(f"The folder {out} already has a file named {taken[0]}; choose another folder.")
    backup = staging / BACKUP_FOLDER
    backup.mkdir()
    moved: list[Path] = []
    try:
        for path in earlier:
            path.replace(backup / path.name)
        for path in fresh:
            path.replace(out / path.name)
            moved.append(out / path.name)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        for path in backup.iterdir():
            path.replace(out / path.name)
        raise
