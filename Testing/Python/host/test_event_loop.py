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

SECONDS = 0.6


class Counter:
    """A thread that counts small passes of numpy; each gives the lock up for a moment, as operators do."""

    def __init__(self) -> None:
        self.passes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        matrix = np.ones((120, 120), np.float32)
        while not self._stop.is_set():
            np.sin(matrix)
            time.sleep(0)
            self.passes += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)


@pytest.fixture
def a_counter() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.stop()


def alone(counter: Counter) -> int:
    before = counter.passes
    time.sleep(SECONDS)
    return counter.passes - before


def inTheEventLoop(counter: Counter) -> int:
    loop, end = qt.QEventLoop(), qt.QTimer()
    end.setSingleShot(True)
    end.connect("timeout()", loop, "quit()")
    end.start(int(SECONDS * 1000))
    before = counter.passes
    loop.exec_()
    return counter.passes - before


def test_a_thread_starves_in_an_idle_event_loop(a_counter: Counter) -> None:
    assert inTheEventLoop(a_counter) < 0.02 * alone(a_counter)


def test_a_timer_that_does_not_wait_leaves_the_thread_starving(a_counter: Counter) -> None:
    events: queue.Queue[int] = queue.Queue()

    def take() -> None:
        while not events.empty():
            events.get_nowait()

    timer = qt.QTimer()
    timer.connect("timeout()", take)
    timer.start(10)
    assert inTheEventLoop(a_counter) < 0.2 * alone(a_counter)


def test_a_timer_that_waits_lock_free_gives_the_thread_its_speed(a_counter: Counter) -> None:
    events: queue.Queue[int] = queue.Queue()
    turns: list[int] = []

    def take() -> None:
        turns.append(1)
        try:
            events.get(timeout=0.02)
        except queue.Empty:
            return

    timer = qt.QTimer()
    timer.connect("timeout()", take)
    timer.start(0)
    given = inTheEventLoop(a_counter)
    timer.stop()
    assert given > 0.6 * alone(a_counter)
    assert len(turns) > 10


def test_the_loop_of_tests_starves_a_thread_too(a_counter: Counter) -> None:
    before = a_counter.passes
    assert not pythonqt.runEventLoop(lambda: False, SECONDS)
    given = a_counter.passes - before
    assert given < 0.2 * alone(a_counter)


def test_the_loop_ends_when_something_is_true() -> None:
    fired: list[int] = []
    qt.QTimer.singleShot(20, lambda: fired.append(1))
    assert pythonqt.runEventLoop(lambda: bool(fired), 5)
