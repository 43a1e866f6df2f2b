"""How far a run is, and how long it will still take."""

from __future__ import annotations

import time


class Pace:
    """Counts finished slices of prompts and estimates the time left from the time they took."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started = total, 0, time.monotonic()

    def finish(self, count: int) -> None:
        """Note that some more are finished."""
        self._done += count

    def look(self, under_way: float) -> tuple[float, float]:
        """Share done and seconds left, while so much of others is done."""
        share = (self._done + under_way) / self._total
        return share, (time.monotonic() - self._started) * (1 / share - 1)
