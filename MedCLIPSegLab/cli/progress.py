"""Progress bars on the error stream, so that the output stream stays clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """A bar that disappears when done.

    Args:
        title: what is being done.

    Yields:
        A function that takes the share done (0…1) and a few words about the present step.
    """
    percentage, detail = TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[detail]}")
    columns = (TextColumn("{task.description}"), BarColumn(), percentage, detail, TimeElapsedColumn())
    console = Console(stderr=True)
    # Where nobody watches, even a bar that disappears would leave an empty line.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=1.0, detail="")
        yield lambda fraction, detail: bars.update(task, completed=fraction, detail=detail)


def time_left(seconds: float) -> str:
    """Words for the time left, such as "2 min 5 s left"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s left" if minutes else f"{rest} s left"
