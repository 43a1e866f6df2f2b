"""How many processor threads compute: as many as there are processors that nobody else is using."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import cv2
import torch

from .free_processors import free_between, look, most_processors
from .request import AUTOMATIC

SHORTEST_LOOK = 0.1
"""Seconds between two looks at the processors; systems count their time in steps of 0.01 to 0.016 s."""
LONGEST_LOOK = 2.0
"""Seconds after which a look tells nothing of now."""
EVERY = 0.5
"""Seconds between two choices."""
UNNOTICED = 0.25
"""Share of a processor that others may use before it counts as theirs.

A program that wants a whole processor and shares it with a thread of ours gets half of it, so that it must be below
0.5; a quiet desktop uses about 0.1.
"""

_last = look()
_blocks = threading.local()


class ThreadChoice:
    """The number of threads in a block, see :func:`threads_for`.

    Threads that compute together wait for the slowest after every operation. One thread more than there are free
    processors shares its processor with another program, and all wait for it: two threads beside one busy program take
    2 to 20 times as long as one.

    Args:
        wanted: the number, or "auto".
        most: that "auto" may choose.
    """

    def __init__(self, wanted: Literal["auto"] | int, most: int) -> None:
        self._wanted, self._most = wanted, most
        self._next = -math.inf
        self.used: list[int] = []
        """Numbers so far, each once."""
        self.adjust()

    def adjust(self) -> None:
        """Choose anew if other programs may have come or gone. On the thread that computes, between two steps."""
        if self._wanted != AUTOMATIC:
            self._use(self._wanted)
        elif time.monotonic() >= self._next:
            self._use(free_threads(self._most))
            self._next = time.monotonic() + EVERY

    def record(self) -> int | list[int]:
        """The number used, or the numbers where it changed, ready for JSON."""
        return self.used[0] if len(self.used) == 1 else list(self.used)

    def _use(self, number: int) -> None:
        if number not in self.used:
            self.used.append(number)
        # What is set holds for the thread that sets it alone, and another library may have set it meanwhile.
        if number != torch.get_num_threads():
            torch.set_num_threads(number)
        if number != cv2.getNumThreads():
            cv2.setNumThreads(number)


@contextmanager
def threads_for(wanted: Literal["auto"] | int) -> Iterator[ThreadChoice]:
    """Compute with some number of threads in the block, on the thread that enters it, and then with that of before.

    Args:
        wanted: the number; "auto" is that of the block around, if there is one, else what other programs leave, but no
            more than PyTorch takes by itself, which heeds OMP_NUM_THREADS.
    """
    around: ThreadChoice | None = getattr(_blocks, "choice", None)
    if around is not None and wanted == AUTOMATIC:
        around.adjust()
        yield around
        return
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        _blocks.choice = ThreadChoice(wanted, before[0])
        yield _blocks.choice
    finally:
        _blocks.choice = around
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def free_threads(most: int) -> int:
    """Number of threads that can compute now without waiting for other programs, 1…``most``.

    Takes up to 0.1 s where nobody asked a moment ago.
    """
    global _last
    if most == 1:
        return 1
    age = time.monotonic() - _last.moment
    if age > LONGEST_LOOK:
        _last, age = look(), 0.0
    time.sleep(max(0.0, SHORTEST_LOOK - age))
    first, _last = _last, look()
    free = min(free_between(first, _last) + UNNOTICED, most_processors() + 0.5)
    return int(max(1, min(free, most)))
