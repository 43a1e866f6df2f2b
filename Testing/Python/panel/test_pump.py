"""The pump in an event loop that keeps Python's lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from MedCLIPSegLib.pump import Pump
from MedCLIPSegLib.worker import Worker, WorkerEvent

RunLoop = Callable[..., None]


@pytest.fixture
def a_worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.shutdown()


@pytest.fixture
def seen() -> list[WorkerEvent]:
    return []


def spinning(steps: int) -> Callable[[], Iterator[int]]:
    """A generator that needs Python's lock for about 10 ms a step."""

    def make() -> Iterator[int]:
        for number in range(steps):
            sum(range(300_000))
            yield number

    return make


def values(events: list[WorkerEvent]) -> list[Any]:
    return [event.value if event.kind == "event" else event.kind for event in events]


def test_events_come_on_the_main_thread_and_the_pump_stops(
    a_slicer: ModuleType, pump: RunLoop, a_worker: Worker, seen: list[WorkerEvent]
) -> None:
    threads: set[int] = set()

    def take(event: WorkerEvent) -> None:
        threads.add(threading.get_ident())
        seen.append(event)

    a_pump = Pump(a_worker, take)
    for times in (1, 2):
        a_worker.submit(spinning(5))
        a_pump.start()
        assert a_pump._timer.active
        pump(lambda: not a_pump._timer.active)
        assert values(seen) == [*range(5), "finished"] * times
    assert threads == {threading.get_ident()}


def test_nothing_comes_after_stop_and_nothing_is_lost(
    a_slicer: ModuleType, pump: RunLoop, a_worker: Worker, seen: list[WorkerEvent]
) -> None:
    def take(event: WorkerEvent) -> None:
        seen.append(event)
        if event.value == 2:
            a_pump.stop()

    a_pump = Pump(a_worker, take)
    a_worker.submit(lambda: iter(range(6)))
    while a_worker._events.qsize() < 7:  # all of them then come with one poll
        time.sleep(0.001)
    a_pump.start()
    pump(lambda: len(seen) == 3)
    pump(Deadline(0.2))
    assert values(seen) == [0, 1, 2]
    a_pump.start()
    pump(lambda: not a_pump._timer.active)
    assert values(seen) == [*range(6), "finished"]


def test_a_run_begun_by_an_event_is_pumped_too(
    a_slicer: ModuleType, pump: RunLoop, a_worker: Worker, seen: list[WorkerEvent]
) -> None:
    def take(event: WorkerEvent) -> None:
        seen.append(event)
        if event.kind == "finished" and len(seen) == 2:
            a_worker.submit(lambda: iter(["again"]))

    a_pump = Pump(a_worker, take)
    a_worker.submit(lambda: iter(["once"]))
    a_pump.start()
    pump(lambda: not a_pump._timer.active)
    assert values(seen) == ["once", "finished", "again", "finished"]


def test_the_event_loop_turns_while_the_worker_works(
    a_slicer: ModuleType, pump: RunLoop, a_worker: Worker, seen: list[WorkerEvent]
) -> None:
    import qt

    turns: list[float] = []
    timer = qt.QTimer()
    timer.setInterval(5)
    timer.connect("timeout()", lambda: turns.append(time.monotonic()))
    timer.start()
    a_pump = Pump(a_worker, seen.append)
    a_worker.submit(spinning(60))
    a_pump.start()
    pump(lambda: not a_pump._timer.active)
    timer.stop()
    assert values(seen)[-1] == "finished"
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert len(gaps) > 5
    assert sorted(gaps)[len(gaps) // 2] < 0.1


class Deadline:
    """True after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __call__(self) -> bool:
        return time.monotonic() > self._end
