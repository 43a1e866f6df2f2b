"""One file from the hub, through huggingface_hub: resumed, cancellable, verified.

The library gives address, token, proxy and offline mode. What an interrupted process has received is kept, in part
files named by the server's version of the file.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

from huggingface_hub import constants, hf_hub_url
from huggingface_hub.utils import hf_raise_for_status

from ..errors import MedCLIPSegError, quoted
from ..model.folder import file_hash
from ..model.manifest import HubFile
from ..model.store import MAX_WEIGHTS_BYTES, SHA256, home
from .download_errors import BY_HAND, ELSEWHERE, sentence
from .receiving import answer, receive
from .records import record_hash, recorded_hash

T = TypeVar("T")
POLL_SECONDS = 0.1
ANSWER_SECONDS = 15.0
"""Longest wait for the hub to say what a file is."""
SIZE_SECONDS = 5.0
"""Longest wait for it while a person waits to be asked."""
CANCEL_SECONDS = 2.0
THREAD = "MedCLIPSeg download"
# What the library or the server warns of there would stand beside the sentence.
logging.getLogger("huggingface_hub.utils._http").addFilter(lambda record: record.threadName != THREAD)
SPARE_BYTES = 2**28
"""Space beyond the download itself that is left free."""
GIT_SHA1 = re.compile(r"[0-9a-f]{40}")

Step = Literal["asking", "downloading", "checking", "making", "waiting"]
STEPS: dict[Step, str] = {
    "asking": "asking the hub",
    "downloading": "downloading",
    "checking": "checking",
    "making": "making the model",
    "waiting": "waiting for another download of this model",
}
"""Steps of a download in words."""


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is.

    Args:
        fraction: 0 to 1 of the whole model.
        received, total: bytes of the present file.
        step: what is being done, a key of `STEPS`.
    """

    fraction: float
    received: int
    total: int
    step: Step


@dataclass(frozen=True)
class ReceivedFile:
    """A verified file.

    Args:
        path: in the folder of downloads.
        sha256: of its content.
        revision: commit of the repository it came from.
        first_seen: its SHA-256 was unknown and has been recorded now.
    """

    path: Path
    sha256: str
    revision: str | None
    first_seen: bool


def fetch(file: HubFile, folder: Path, endpoint: str | None = None) -> Generator[DownloadProgress, None, ReceivedFile]:
    """Receive a file, going on where an interrupted download stopped; closing the generator cancels and keeps the part.

    Args:
        file: on the hub.
        folder: existing folder for it, which no other process uses meanwhile.
        endpoint: address of the hub; None for the library's (``HF_ENDPOINT`` or huggingface.co).

    Raises:
        MedCLIPSegError: no network, no such file, no right to it, disk full, or a content other than it should be,
            which is removed.
    """
    stated = yield from _ask(file, endpoint, ANSWER_SECONDS)
    size, version = stated.size, stated.version
    if size is None or not version:
        raise MedCLIPSegError(f"The hub does not say the size and version of {file.key}; try later, {BY_HAND}.")
    if not 0 < size <= MAX_WEIGHTS_BYTES or (file.size is not None and size != file.size):
        raise MedCLIPSegError(f"{file.key} has {quoted(size)} bytes, not what was published; it was not downloaded.")
    path = folder / f"{re.sub('[^0-9A-Za-z]', '', version)[:16]}-{PurePosixPath(file.path).name}"
    _check_space(path, size)
    yield from _receive(file, _url(file, endpoint), path, size)
    yield DownloadProgress(1.0, size, size, "checking")
    sha256, first_seen = _verified(file, path, version, stated.revision)
    return ReceivedFile(path, sha256, stated.revision, first_seen)


def ask_size(file: HubFile, endpoint: str | None = None) -> Generator[DownloadProgress, None, int | None]:
    """The bytes of a file as the hub states them now; None where it gives no answer in a few seconds.

    Args:
        file: on the hub; of it nothing is downloaded.
        endpoint: as for :func:`fetch`.
    """
    try:
        size = (yield from _ask(file, endpoint, SIZE_SECONDS)).size
    except MedCLIPSegError:
        return None
    return size if size is not None and 0 < size <= MAX_WEIGHTS_BYTES else None


def _url(file: HubFile, endpoint: str | None) -> str:
    return hf_hub_url(file.repository, file.path, revision=file.revision, endpoint=endpoint)


@dataclass(frozen=True)
class _Stated:
    """What the hub says of a file: its bytes, its version (SHA-256, or how git names it), and the commit."""

    size: int | None
    version: str
    revision: str | None


def _ask(file: HubFile, endpoint: str | None, seconds: float) -> Generator[DownloadProgress, None, _Stated]:
    def work(_cancelled: threading.Event) -> _Stated:
        with answer("HEAD", _url(file, endpoint), seconds) as response:
            hf_raise_for_status(response)
            headers = response.headers
        size = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_SIZE, headers.get("Content-Length", ""))
        version = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG, headers.get("ETag", ""))
        commit = headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT, "")
        return _Stated(
            int(size) if re.fullmatch("[0-9]{1,15}", size) else None,
            version.removeprefix("W/").strip('"'),
            commit if GIT_SHA1.fullmatch(commit) else None,
        )

    try:
        return (yield from _on_a_thread(work, lambda: DownloadProgress(0.0, 0, 0, "asking"), seconds))
    except Exception as error:
        raise sentence(file, error) from None


def _receive(file: HubFile, url: str, path: Path, size: int) -> Generator[DownloadProgress, None, None]:
    def received() -> int:
        return path.stat().st_size if path.exists() else 0

    def work(cancelled: threading.Event) -> None:
        receive(file.key, url, path, size, cancelled)

    def progress() -> DownloadProgress:
        return DownloadProgress(min(received() / size, 1.0), received(), size, "downloading")

    if received() > size:
        path.unlink()
    try:
        yield from _on_a_thread(work, progress)
    except Exception as error:
        raise sentence(file, error, received(), size) from None


def _on_a_thread(
    work: Callable[[threading.Event], T], progress: Callable[[], DownloadProgress], seconds: float | None = None
) -> Generator[DownloadProgress, None, T]:
    """Do something on a thread, so that the network cannot hold up a cancellation; what it returns.

    Args:
        work: takes the event that says it was cancelled.
        progress: what to yield meanwhile.
        seconds: longest wait for what writes nothing and may be left to itself; None to wait for its end.

    Raises:
        TimeoutError: it takes longer.
    """
    cancelled = threading.Event()
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(cancelled))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name=THREAD, daemon=True)
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    thread.start()
    try:
        while thread.is_alive():
            yield progress()
            thread.join(POLL_SECONDS)
            if thread.is_alive() and time.monotonic() > end:
                raise TimeoutError
    finally:
        cancelled.set()
        thread.join(CANCEL_SECONDS if seconds is None else 0)
    if failures:
        raise failures[0]
    return results[0]


def _check_space(path: Path, size: int) -> None:
    """Refuse a download that would fill the disk; the model made of it needs about the same again."""
    there = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(path.parent).free
    needed = 2 * size - there + SPARE_BYTES
    if free < needed:
        raise MedCLIPSegError(
            f"The disk of {home()} has {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are needed; {ELSEWHERE}."
        )


def _verified(file: HubFile, path: Path, version: str, revision: str | None) -> tuple[str, bool]:
    """SHA-256 of a file, compared with everything known of it; a wrong file is removed."""
    sha256 = file_hash(path)
    known = {"the list of models": file.sha256, "its first download": recorded_hash(file)}
    if SHA256.fullmatch(version):
        known["the hub"] = version
    for source, expected in known.items():
        if expected is not None and expected != sha256:
            path.unlink()
            raise MedCLIPSegError(
                f"{file.key} was removed, as its SHA-256 {sha256[:12]}… is not {expected[:12]}… as stated by {source}; "
                f"download it again (hashes are noted in {home() / 'hashes.json'})."
            )
    if GIT_SHA1.fullmatch(version) and _git_sha1(path) != version:
        path.unlink()
        raise MedCLIPSegError(f"{file.key} was removed, as it did not arrive as the hub has it; download it again.")
    first_seen = file.sha256 is None and recorded_hash(file) is None
    if first_seen:
        record_hash(file, sha256, revision)
    return sha256, first_seen


def _git_sha1(path: Path) -> str:
    """How git, and with it the hub, names a small file."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
