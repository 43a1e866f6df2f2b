"""``medclipseg`` on hostile input: what it may end with."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO, TextIOWrapper
from typing import IO

from MedCLIPSegLab.cli.app import main

LONGEST_SENTENCE = 1000
"""Characters; paths are shown whole, values are not."""


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"log: {record.getMessage()}")


@contextmanager
def _error_stream(file: IO[bytes]) -> Iterator[None]:
    """Lead what Python and what libraries in C write to the error stream into a file."""
    sys.stderr.flush()
    kept, before = os.dup(2), sys.stderr
    os.dup2(file.fileno(), 2)
    sys.stderr = TextIOWrapper(os.fdopen(os.dup(2), "wb"), "utf-8", "backslashreplace", write_through=True)
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)


def outcome(*arguments: object) -> tuple[int, list[str]]:
    """Exit code and lines on the error stream of a command, warnings and logged lines among them."""
    listener, before = _Listener(), sys.argv
    logging.getLogger().addHandler(listener)
    sys.argv = ["medclipseg", *map(str, arguments)]
    code = 0
    try:
        with tempfile.TemporaryFile() as file, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)
            with _error_stream(file), redirect_stdout(StringIO()):
                try:
                    main()
                except SystemExit as stop:
                    code = int(stop.code or 0)
            file.seek(0)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return code, lines + [f"warning: {each.message}" for each in told] + listener.lines
    finally:
        sys.argv = before
        logging.getLogger().removeHandler(listener)


def accept(*arguments: object, note: object = "") -> str:
    """Let a command succeed, or refuse with one sentence, which is returned; anything else fails the test.

    Args:
        arguments: of ``medclipseg``.
        note: shown on failure.
    """
    code, lines = outcome(*arguments)
    if code == 0:
        return ""
    wrong = not_a_refusal(code, lines)
    assert not wrong, f"{wrong}: exit {code}, {lines}, {note}"
    return lines[0]


def not_a_refusal(code: int, lines: list[str]) -> str:
    """What keeps an outcome from being a refusal in one sentence; empty if it is one."""
    if code != 2:
        return "not refused as bad input"
    if len(lines) != 1:
        return f"{len(lines)} lines instead of one"
    if not lines[0].startswith("medclipseg: ") or lines[0][-1] not in ".!":
        return "no sentence"
    if not lines[0].isprintable() or len(lines[0]) > LONGEST_SENTENCE:
        return "not readable"
    return ""
