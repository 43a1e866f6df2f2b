"""Questions to a hub and the content of its files: every redirect checked, and never more taken than was stated.

The library's own functions follow redirects anywhere, take what comes without end, unpack it, print what they retry,
and first fetch a list of other programs from the hub. So of the library only the session, with its proxies and its
offline mode, and the token are used.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

from huggingface_hub import constants, get_session, get_token
from huggingface_hub.errors import HfHubHTTPError

from ..errors import MedCLIPSegError, quoted
from ..version import __version__
from .redirects import next_address, origin

USER_AGENT = f"medclipseg/{__version__}"
HTTP_ERROR: type[Exception] = next(cls for cls in HfHubHTTPError.__mro__ if cls.__name__ == "HTTPError")
"""Every failure of the library's HTTP client, whichever client its version uses."""
PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)
RETRIES = 5
"""Most tries in a row that bring nothing new."""
RETRY_SECONDS = 1.0
MAX_REDIRECTS = 10


class _PassingError(MedCLIPSegError):
    """What may be otherwise at the next try."""


def receive(name: str, url: str, path: Path, size: int, cancelled: threading.Event) -> None:
    """Write a file, going on after what is there of it.

    Args:
        name: of the file, for people.
        url: where the download begins; only there the user's token is sent.
        path: file to write; every chunk is on disk before the next is asked for.
        size: bytes the hub stated.
        cancelled: once set, nothing more is written.

    Raises:
        MedCLIPSegError: the server gives other than `size` bytes, packs them, answers with an error, or sends elsewhere
            than to an address on the internet. What came of a file of another size is dropped.
        HTTP_ERROR: no connection, after some tries.
        OSError: the file cannot be written.
    """
    failures, best = 0, 0
    with path.open("ab") as part:
        while part.tell() < size and not cancelled.is_set():
            try:
                with answer("GET", url, constants.HF_HUB_DOWNLOAD_TIMEOUT, part.tell()) as response:
                    if cancelled.is_set():
                        return
                    _begin(name, response, part, size)
                    _copy(name, response, part, size, cancelled)
                if part.tell() < size and not cancelled.is_set():
                    raise _PassingError(f"{name} arrived incomplete; download it again.")
            except (HTTP_ERROR, _PassingError):
                failures = failures + 1 if part.tell() <= best else 1
                best = max(best, part.tell())
                if failures > RETRIES:
                    raise
                cancelled.wait(RETRY_SECONDS)


@contextmanager
def answer(method: Literal["GET", "HEAD"], start: str, seconds: float, offset: int = 0) -> Iterator[Any]:
    """The answer to a request, an httpx response, of the last of the addresses it is sent on to.

    A question (HEAD) stays with the host it began at, whose redirect to another one already tells size and version.

    Args:
        method: of the request.
        start: address it begins at; only there the user's token is sent.
        seconds: longest wait for each piece.
        offset: first byte that is wanted.

    Raises:
        MedCLIPSegError: the hub sends elsewhere than to an address on the internet, or on and on.
        HTTP_ERROR: no connection.
    """
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    url = start
    for _ in range(MAX_REDIRECTS + 1):
        headers = {"user-agent": USER_AGENT, "Accept-Encoding": "identity"}
        if token and origin(url) == origin(start):
            headers["authorization"] = f"Bearer {token}"
        if offset:
            headers["Range"] = f"bytes={offset}-"
        with get_session().stream(method, url, headers=headers, timeout=seconds, follow_redirects=False) as response:
            if not response.has_redirect_location:
                yield response
                return
            target = next_address(start, url, response.headers["Location"])
            if method == "HEAD" and origin(target) != origin(start):
                yield response
                return
        url = target
    raise MedCLIPSegError(f"The hub sends the download on more than {MAX_REDIRECTS} times; try later.")


def _begin(name: str, response: Any, part: BinaryIO, size: int) -> None:
    """Check the head of an answer, and go back to where its content begins."""
    status, offset = response.status_code, part.tell()
    if status == 416:  # nothing beyond what is there, though the file is not whole
        part.truncate(0)
        part.seek(0)
    if status not in (200, 206):
        kind = _PassingError if status in (*PASSING_STATUS, 416) else MedCLIPSegError
        raise kind(f"The hub answered with error {status} for {name}; try later.")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise MedCLIPSegError(
            f"The hub sends {name} packed as '{quoted(encoding)}', which was not asked for; try later."
        )
    goes_on = status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
    if not goes_on:
        part.truncate(0)
        part.seek(0)
    if status == 206 and not goes_on:
        raise _PassingError(f"The hub sends another part of {name} than was asked for; try later.")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(size - part.tell()):
        _refuse_size(name, part, size, f"{quoted(length)} after the first {part.tell():,}")


def _copy(name: str, response: Any, part: BinaryIO, size: int, cancelled: threading.Event) -> None:
    for chunk in response.iter_raw():
        if cancelled.is_set():
            return
        if part.tell() + len(chunk) > size:
            _refuse_size(name, part, size, "more")
        part.write(chunk)
        part.flush()


def _refuse_size(name: str, part: BinaryIO, size: int, sent: str) -> None:
    part.truncate(0)
    raise MedCLIPSegError(f"The hub states {size:,} bytes for {name}, but sends {sent}; it was not downloaded.")
