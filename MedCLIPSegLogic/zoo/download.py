"""Published models, from the hub to the models folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..errors import MedCLIPSegError
from ..model.catalog import describe_model
from ..model.manifest import HubFile, ZooEntry
from ..model.store import home
from .hub import POLL_SECONDS, DownloadProgress, ReceivedFile, fetch
from .installing import store_errors
from .records import record_consent

if TYPE_CHECKING:
    from .importing import ImportReport

DOWNLOAD_SHARE = 0.9
"""Part of the progress bar for receiving; the rest is for making the model."""


@dataclass(frozen=True)
class DownloadReport:
    """What a download made.

    Args:
        name: of the model.
        imported: what was made of its checkpoint; None when it was there already.
        first_seen: files whose SHA-256 nobody has published, recorded now.
    """

    name: str
    imported: ImportReport | None
    first_seen: tuple[HubFile, ...]


def download(
    entry: ZooEntry, agreed: bool, half: bool = False, endpoint: str | None = None
) -> Generator[DownloadProgress, None, DownloadReport]:
    """Download a model and install it; closing the generator cancels, and what was received is kept for the next time.

    Args:
        entry: of the list of models.
        agreed: a person has said yes to its size, source and license.
        half: store the adapter in float16.
        endpoint: address of the hub; None for the usual one.

    Raises:
        MedCLIPSegError: nobody agreed, or the download or the import failed; nothing is installed then.
    """
    if not agreed:
        raise MedCLIPSegError(f"'{entry.name}' is downloaded only after a yes to its size, source and license.")
    folder = download_folder(entry.name)
    with store_errors():
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{entry.name}.lock"))
    yield from _wait_for(lock)
    try:
        if describe_model(entry.name).on_disk:
            return DownloadReport(entry.name, None, ())
        record_consent(entry)
        files = [entry.vocabulary, entry.file] if entry.vocabulary is not None else [entry.file]
        received: list[ReceivedFile] = []
        for file in files:
            received.append((yield from _scaled(fetch(file, folder, endpoint), file is entry.file)))
        checkpoint = received[-1]
        yield DownloadProgress(DOWNLOAD_SHARE, 0, 0, "making")
        from .importing import import_file

        report = import_file(
            checkpoint.path,
            entry.name,
            vocabulary=received[0].path if entry.vocabulary is not None else None,
            half=half,
            replace=True,  # of an installation that lacks a file
            source={
                "repository": entry.file.repository,
                "file": entry.file.path,
                "revision": checkpoint.revision,
                "sha256": checkpoint.sha256,
            },
        )
        forget(entry.name)
        first_seen = tuple(f for f, r in zip(files, received, strict=True) if r.first_seen)
        return DownloadReport(entry.name, report, first_seen)
    finally:
        lock.release()


def download_folder(name: str) -> Path:
    """Where what was received of a model lies until the model is made."""
    return home() / "downloads" / name


def forget(name: str) -> int:
    """Delete what was received of a model; its bytes."""
    folder = download_folder(name)
    freed = sum(path.lstat().st_size for path in folder.glob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    return freed


def _wait_for(lock: FileLock) -> Generator[DownloadProgress, None, None]:
    """Wait for another process that downloads the same model."""
    while True:
        try:
            lock.acquire(timeout=0)
            return
        except Timeout:
            yield DownloadProgress(0.0, 0, 0, "waiting")
            time.sleep(POLL_SECONDS)


def _scaled(
    steps: Generator[DownloadProgress, None, ReceivedFile], counts: bool
) -> Generator[DownloadProgress, None, ReceivedFile]:
    """The progress of one file as progress of the whole model."""
    try:
        while True:
            step = next(steps)
            share = DOWNLOAD_SHARE * step.fraction if counts else 0.0
            yield DownloadProgress(share, step.received, step.total, step.step)
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()
