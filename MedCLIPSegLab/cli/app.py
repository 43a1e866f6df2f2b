"""The program ``medclipseg``: runs a command, and tells in one sentence what went wrong."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, NoReturn
from urllib.parse import urlsplit

from MedCLIPSegLogic.errors import MedCLIPSegError, on_one_line, quoted

LAB_PACKAGES = {"jinja2", "monai", "openpyxl", "surface_distance", "tensorboard"}
"""Packages that ``pip install "medclipseg[lab]"`` adds."""
OUT_OF_MEMORY = ("allocate memory", "failed to map segment", "not enough memory", "out of memory", "bad_alloc")
"""How systems and libraries say it, also when a part of theirs cannot be loaded."""
TOO_LITTLE_MEMORY = "There is too little memory; close other programs or use a smaller image."
LONGEST_PATH = 400


def main() -> None:
    """Run the command line; exit code 0 on success, 1 on a failed check or a defect, 2 on bad input."""
    try:
        with _ended_cleanly(), _libraries_silent():
            _check_environment()
            from .commands import run  # takes memory, which may be missing

            sys.exit(run())
    except MedCLIPSegError as error:
        _stop(str(error), 2)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in LAB_PACKAGES:
            _stop(f'This needs the package {package}; install it with pip install "medclipseg[lab]".', 2)
        _stop(f"The package {package} is missing; install MedCLIPSeg anew.", 1)
    except MemoryError:
        _stop(TOO_LITTLE_MEMORY, 2)
    except OSError as error:
        if error.errno == errno.ENOMEM:
            _stop(TOO_LITTLE_MEMORY, 2)
        name = str(error.filename or "A file")
        shown = name if len(name) < LONGEST_PATH else quoted(name)
        _stop(f"{shown} cannot be read or written: {error.strerror or error}.", 2)
    except Exception as error:
        if any(words in str(error).lower() for words in OUT_OF_MEMORY):
            _stop(TOO_LITTLE_MEMORY, 2)
        _stop(f"unexpected {type(error).__name__}: {error}; put --trace before the command to see where.", 1)


def _check_environment() -> None:
    """Refuse what the hub's library trips over when it is imported, for whatever command."""
    endpoint = os.environ.get("HF_ENDPOINT", "")
    try:
        _ = urlsplit(endpoint).port
    except ValueError:
        raise MedCLIPSegError(f"HF_ENDPOINT is no address, “{quoted(endpoint)}”; correct or unset it.") from None
    for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
        value = os.environ.get(name, "10")
        if not value.strip().isdecimal():
            raise MedCLIPSegError(f"{name} is “{quoted(value)}”; give whole seconds or unset it.")


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Ended from outside (SIGTERM), the program removes what is half-written, as at any exit."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _libraries_silent() -> Iterator[None]:
    """Keep from the terminal what libraries say to programmers, unless ``--trace`` asks for it."""
    if _is_traced():
        yield
        return
    with warnings.catch_warnings(), _error_stream_to_ourselves():
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


@contextmanager
def _error_stream_to_ourselves() -> Iterator[None]:
    """Lead the error stream of libraries in C to nowhere, and Python's to where it went."""
    before: Any = sys.stderr
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no error stream at all
        yield
        return
    try:
        with suppress(OSError, ValueError, AttributeError):  # a stream that is no file stays
            if before.fileno() == 2:
                ours = os.fdopen(os.dup(2), "wb", 0)
                sys.stderr = TextIOWrapper(ours, before.encoding, before.errors, write_through=True)
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        sys.stderr = before
        os.close(kept)
        os.close(nowhere)


def _is_traced() -> bool:
    return "--trace" in sys.argv


def _stop(sentence: str, code: int) -> NoReturn:
    if _is_traced():
        traceback.print_exc()
    print(f"medclipseg: {on_one_line(sentence)}", file=sys.stderr)
    sys.exit(code)
