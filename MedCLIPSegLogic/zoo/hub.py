"""One file from the hub, through huggingface_hub: resumed, cancellable, verified.

The library gives address, token, proxy, offline mode, retries and byte ranges. It drops what an interrupted process
has received, so the part files are kept here, named by the server's version of the file.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Generator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from ..errors import MedCLIPSegError
from ..model.folder import file_hash
from ..model.manifest import HubFile
from ..model.store import HOME_VARIABLE, MAX_WEIGHTS_BYTES, SHA256, home
from ..version import __version__
from .records import record_hash, recorded_hash

POLL_SECONDS = 0.1
ANSWER_SECONDS = 15.0
"""Longest wait for the hub to say what a file is."""
CANCEL_SECONDS = 2.0
SPARE_BYTES = 2**28
"""Space beyond the download itself that is left free."""
USER_AGENT: dict[str, Any] = {"library_name": "medclipseg", "library_version": __version__}
GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
HTTP_ERROR = next(cls for cls in HfHubHTTPError.__mro__ if cls.__name__ == "HTTPError")
"""Every failure of the library's HTTP client, whichever client its version uses."""
ELSEWHERE = f"free some space there or choose another folder with {HOME_VARIABLE}"
BY_HAND = "or bring the file on a stick and use medclipseg models import"

Step = Literal["downloading", "checking", "making", "waiting"]
STEPS: dict[Step, str] = {
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
    url = hf_hub_url(file.repository, file.path, endpoint=endpoint)
    try:
        metadata = get_hf_file_metadata(url, timeout=ANSWER_SECONDS, endpoint=endpoint, **USER_AGENT)
    except Exception as error:
        raise _sentence(file, error) from None
    size, version = metadata.size, metadata.etag
    if size is None or not version:
        raise MedCLIPSegError(f"The hub does not say the size and version of {file.key}; try later, {BY_HAND}.")
    if size > MAX_WEIGHTS_BYTES or (file.size is not None and size != file.size):
        raise MedCLIPSegError(f"{file.key} has {size:,} bytes, not what was published; it was not downloaded.")
    path = folder / f"{re.sub('[^0-9A-Za-z]', '', version)[:16]}-{PurePosixPath(file.path).name}"
    _check_space(path, size)
    yield from _receive(file, url, path, size)
    yield DownloadProgress(1.0, size, size, "checking")
    sha256, first_seen = _verified(file, path, version, metadata.commit_hash)
    return ReceivedFile(path, sha256, metadata.commit_hash, first_seen)


class _PartFile(FileIO):
    """The file `http_get` writes to: every chunk is on disk at once, and none comes after cancellation."""

    def __init__(self, path: Path, cancelled: threading.Event) -> None:
        super().__init__(path, "a")
        self._cancelled = cancelled

    def write(self, chunk: Any) -> int:
        if self._cancelled.is_set():
            raise InterruptedError
        return super().write(chunk)


class _NoBar:
    """Keeps `http_get` from drawing a progress bar of its own."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None: ...

    def update(self, _count: int = 1) -> None: ...

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *_error: object) -> None: ...


def _receive(file: HubFile, url: str, path: Path, size: int) -> Generator[DownloadProgress, None, None]:
    cancelled, failure = threading.Event(), []

    def work() -> None:
        try:
            with _PartFile(path, cancelled) as target:
                part: Any = target
                headers = build_hf_headers(**USER_AGENT)
                http_get(url, part, resume_size=part.tell(), headers=headers, expected_size=size, tqdm_class=_NoBar)
        except BaseException as error:
            failure.append(error)

    if path.exists() and path.stat().st_size > size:
        path.unlink()
    thread = threading.Thread(target=work, name="MedCLIPSeg download", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            received = path.stat().st_size if path.exists() else 0
            yield DownloadProgress(min(received / max(size, 1), 1.0), received, size, "downloading")
            thread.join(POLL_SECONDS)
    finally:
        cancelled.set()
        thread.join(CANCEL_SECONDS)
    if failure:
        raise _sentence(file, failure[0], path.stat().st_size if path.exists() else 0, size) from None


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


def _sentence(file: HubFile, error: BaseException, received: int = 0, size: int = 0) -> MedCLIPSegError:
    """What went wrong, for people."""
    host = "the hub (huggingface.co or HF_ENDPOINT)"
    if isinstance(error, OfflineModeIsEnabled):
        return MedCLIPSegError(f"Downloads are switched off by HF_HUB_OFFLINE; unset it {BY_HAND}.")
    if isinstance(error, GatedRepoError):
        return MedCLIPSegError(f"{file.repository} asks for an account; accept its terms there and set HF_TOKEN.")
    if isinstance(error, (RepositoryNotFoundError, EntryNotFoundError)):
        return MedCLIPSegError(f"The hub has no {file.key}, or shows it only with a token in HF_TOKEN.")
    if isinstance(error, HfHubHTTPError):
        code = getattr(getattr(error, "response", None), "status_code", "unknown")
        return MedCLIPSegError(f"The hub answered with error {code} for {file.key}; try later, {BY_HAND}.")
    kept = f" ({received / 1e6:.0f} of {size / 1e6:.0f} MB are kept; the same command goes on from there)"
    kept = kept if received else ""
    if isinstance(error, HTTP_ERROR):
        return MedCLIPSegError(f"There is no connection to {host}{kept}; check network and proxy, {BY_HAND}.")
    if isinstance(error, OSError) and str(error).startswith("Consistency check failed"):
        return MedCLIPSegError(f"{file.key} arrived incomplete; download it again.")
    if isinstance(error, OSError):
        return MedCLIPSegError(
            f"{file.key} cannot be stored in {home()}: {error.strerror or error}{kept}; {ELSEWHERE}."
        )
    return MedCLIPSegError(
        f"{file.key} could not be downloaded ({type(error).__name__}: {error}); try later, {BY_HAND}."
    )
