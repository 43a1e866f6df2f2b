"""The event loop keeps Python's lock: a worker thread starves unless a slot waits lock-free."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import pythonqt
import qt

MILLISECONDS = 200
PASSES_PER_EVENT = 50
STARVED = 8
"""Most passes of a thread a turn of the loop lets slip; one that waits lock-free gives ``PASSES_PER_EVENT``."""


class Counter:
    """A thread that counts small passes of numpy; each gives the lock up for a moment, as operators do."""

    def __init__(self) -> None:
        self.passes = 0
        self.events: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        matrix = np.ones((120, 120), np.float32)
        while not self._stop.is_set():
            np.sin(matrix)
            time.sleep(0)
            self.passes += 1
            if self.passes % PASSES_PER_EVENT == 0:
                self.events.put(self.passes)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


@pytest.fixture
def a_counter() -> Iterator[Counter]:
    counter = Counter()
    counter.events.get(timeout=60)  # it works when it may
    yield counter
    counter.stop()


def inTheEventLoop(counter: Counter) -> int:
    """Passes while the event loop turns, until a timer of Qt alone ends it."""
    loop, end = qt.QEventLoop(), qt.QTimer()
    end.setSingleShot(True)
    end.connect("timeout()", loop, "quit()")
    end.start(MILLISECONDS)
    before = counter.passes
    loop.exec_()
    return counter.passes - before


def test_a_thread_starves_in_an_idle_event_loop_and_in_that_of_tests(a_counter: Counter) -> None:
    before = a_counter.passes
    time.sleep(MILLISECONDS / 1000)
    free = a_counter.passes - before
    assert inTheEventLoop(a_counter) < free / 20
    turns: list[int] = []
    before = a_counter.passes
    assert not pythonqt.runEventLoop(lambda: bool(turns.append(1)), MILLISECONDS / 1000)
    assert a_counter.passes - before <= STARVED * (len(turns) + 1)


def test_a_timer_gives_the_thread_its_time_only_when_it_waits_lock_free(a_counter: Counter) -> None:
    turns: list[int] = []
    given: list[int] = []

    def look() -> None:
        turns.append(1)
        while not a_counter.events.empty():
            a_counter.events.get_nowait()

    def wait() -> None:
        turns.append(1)
        before = a_counter.passes
        a_counter.events.get(timeout=60)
        given.append(a_counter.passes - before)

    for slot, interval in ((look, 10), (wait, 0)):
        turns.clear()
        timer = qt.QTimer()
        timer.connect("timeout()", slot)
        timer.start(interval)
        passes = inTheEventLoop(a_counter)
        timer.stop()
        assert turns
        if slot is look:
            assert passes <= STARVED * (len(turns) + 1)
    # Each turn but those with an event left over lasts until the thread has made its passes.
    assert sum(given) >= PASSES_PER_EVENT * (len(given) - 2)


def test_the_loop_ends_when_something_is_true() -> None:
    fired: list[int] = []
    qt.QTimer.singleShot(20, lambda: fired.append(1))
    assert pythonqt.runEventLoop(lambda: bool(fired), 60)
