"""Progress on the error stream, so that the output stream stays clean: a bar in a terminal, else a line a minute."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 60.0
WRITER = "progress lines"
"""Name of the thread that writes them."""
IS_FIRST_PROCESS = os.environ.get("RANK", "0") == "0"
"""``torchrun`` numbers its processes."""


class Show(Protocol):
    """Tells how far a command is."""

    def __call__(self, share: float, detail: str, seconds_left: float | None = None) -> None:
        """Tell of a step.

        Args:
            share: of the work that is done, 0…1.
            detail: a few words about the present step.
            seconds_left: where it is known; None to tell by the share and the time it took.
        """


@contextmanager
def progress_bar(title: str) -> Iterator[Show]:
    """A bar that disappears when done, with the time left; where nobody watches, plain lines.

    Args:
        title: what is being done.

    Yields:
        What tells of every step.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        with _lines(title) as show:
            yield show
        return
    percentage, words = TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[detail]}")
    columns = (TextColumn("{task.description}"), BarColumn(), percentage, words, TimeElapsedColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(title, total=1.0, detail="")

        def tell(share: float, detail: str, seconds_left: float | None = None) -> None:
            left = _left(share, started) if seconds_left is None else seconds_left
            bars.update(task, completed=share, detail=_joined(detail, left))

        yield tell


@contextmanager
def _lines(title: str) -> Iterator[Show]:
    """A line each minute, also while a step takes longer than that."""
    started, ended = time.monotonic(), threading.Event()
    latest: tuple[float, str, float | None] = (0.0, "starting", None)

    def tell(share: float, detail: str, seconds_left: float | None = None) -> None:
        nonlocal latest
        latest = (share, detail, seconds_left)

    def write() -> None:
        while not ended.wait(SECONDS_BETWEEN_LINES):
            share, detail, seconds_left = latest
            left = _left(share, started) if seconds_left is None else seconds_left
            typer.echo(f"{title}: {100 * share:.0f} %, {_joined(detail, left)}", err=True)

    writer = threading.Thread(target=write, name=WRITER, daemon=True)
    if IS_FIRST_PROCESS:
        writer.start()
    try:
        yield tell
    finally:
        ended.set()
        if IS_FIRST_PROCESS:
            writer.join()


def _left(share: float, started: float) -> float | None:
    """Seconds left at the pace so far; None before anything is done."""
    return (time.monotonic() - started) * (1 - share) / share if share > 0 else None


def _joined(detail: str, seconds_left: float | None) -> str:
    return detail if seconds_left is None else f"{detail}, {time_left(seconds_left)}"


def time_left(seconds: float) -> str:
    """Words for the time left, such as "2 min 5 s left"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min left"
    return f"{minutes} min {rest} s left" if minutes else f"{rest} s left"
