"""The worker's thread, and the pump that gives it its time: order, cancel, failures, throttling, end."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from MedCLIPSegLib import worker as worker_module
from MedCLIPSegLib.pump import Pump
from MedCLIPSegLib.worker import Job, Worker, WorkerEvent

MODULE_FOLDER = Path(__file__).parents[3] / "MedCLIPSeg"
END = "finished"
RunLoop = Callable[..., None]


@dataclass(frozen=True)
class Share:
    """An event of which only the newest counts."""

    fraction: float


class Gate:
    """A generator that says where it is and goes on when it is told to."""

    def __init__(self) -> None:
        self.isReached, self.mayGoOn, self.isClosed = threading.Event(), threading.Event(), threading.Event()

    def __call__(self) -> Iterator[Any]:
        try:
            yield "first"
            self.isReached.set()
            assert self.mayGoOn.wait(60)
            yield "second"
            yield "third"
        finally:
            self.isClosed.set()


@pytest.fixture
def a_worker() -> Iterator[Worker[Any]]:
    worker: Worker[Any] = Worker()
    yield worker
    worker.shutdown()


@pytest.fixture
def a_gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.mayGoOn.set()


def collect(worker: Worker[Any]) -> list[WorkerEvent[Any]]:
    """All events until the worker is idle."""
    events: list[WorkerEvent[Any]] = []
    while not worker.isIdle:
        events += worker.poll(0.02)
    return events


def said(events: list[WorkerEvent[Any]], job: Job | None = None) -> list[Any]:
    """What came of a job, or of all: its values, and at the end "finished" or the error."""
    mine = [event for event in events if job is None or event.job is job]
    return [(event.error or END) if event.isLast else event.value for event in mine]


def steps_of(*values: Any) -> Callable[[], Iterator[Any]]:
    return lambda: iter(values)


def test_jobs_run_one_after_the_other_on_one_daemon_that_starts_with_the_first() -> None:
    def threads() -> Iterator[Any]:
        yield threading.get_ident()
        yield from range(50)

    before = set(threading.enumerate())
    worker: Worker[Any] = Worker()
    assert set(threading.enumerate()) == before
    assert worker.isIdle
    jobs = [worker.submit(threads) for _ in range(3)]
    [thread] = set(threading.enumerate()) - before
    assert thread.daemon
    events = collect(worker)
    assert [event.job for event in events] == [job for job in jobs for _ in range(52)]
    for job in jobs:
        assert said(events, job) == [thread.ident, *range(50), END]
    assert worker.poll(0) == []
    worker.shutdown()
    assert not thread.is_alive()


def test_a_cancelled_job_closes_after_its_step_never_begins_or_has_ended(a_worker: Worker[Any], a_gate: Gate) -> None:
    begun: list[int] = []
    first = a_worker.submit(a_gate)
    second = a_worker.submit(lambda: iter([begun.append(1)]))
    second.cancel()
    assert a_gate.isReached.wait(60)
    first.cancel()
    assert not a_gate.isClosed.is_set()
    a_gate.mayGoOn.set()
    events = collect(a_worker)
    assert said(events, first) == ["first", END]
    assert said(events, second) == [END]
    assert begun == []
    assert a_gate.isClosed.is_set()
    first.cancel()  # long over
    third = a_worker.submit(steps_of(2))
    assert said(collect(a_worker), third) == [2, END]


@pytest.mark.parametrize("place", ["made", "first", "later"])
def test_whatever_is_raised_ends_the_job_and_not_the_thread(a_worker: Worker[Any], place: str) -> None:
    for error in (
        ValueError("bad"),
        MemoryError(),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        StopIteration(1),
    ):

        def steps(error: BaseException = error) -> Iterator[str]:
            if place == "later":
                yield "one"
            raise error

        def make(error: BaseException = error, steps: Callable[[], Iterator[str]] = steps) -> Iterator[str]:
            if place == "made":
                raise error
            return steps()

        job = a_worker.submit(make)
        *values, last = said(collect(a_worker), job)
        assert values == (["one"] if place == "later" else [])
        # A generator turns StopIteration into RuntimeError.
        assert last is error or (isinstance(error, StopIteration) and last.__cause__ is error)
        assert last.__traceback__ is not None
    job = a_worker.submit(steps_of("alive"))
    assert said(collect(a_worker), job) == ["alive", END]


def test_what_cannot_be_iterated_or_closed_fails_once(a_worker: Worker[Any], a_gate: Gate) -> None:
    for made in (None, 5):
        a_worker.submit(lambda made=made: made)
        [error] = said(collect(a_worker))
        assert isinstance(error, TypeError)

    def steps() -> Iterator[Any]:
        try:
            yield from a_gate()
        finally:
            raise OSError("cannot close")

    job = a_worker.submit(steps)
    assert a_gate.isReached.wait(60)
    job.cancel()
    a_gate.mayGoOn.set()
    assert isinstance(said(collect(a_worker), job)[-1], OSError)
    assert a_worker.poll(0) == []


def test_progress_is_throttled_and_everything_else_comes(
    a_worker: Worker[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of its own, that a step moves by 1 ms: one at the beginning, 20 per second, and the last one."""
    clock = [0.0]
    monkeypatch.setattr(worker_module, "monotonic", lambda: clock[0])

    def steps(step: float) -> Iterator[Any]:
        for number in range(400):
            yield Share(number / 399)
            if number % 10 == 0:
                yield number
            clock[0] += step

    quick, slow = (a_worker.submit(lambda step=step: steps(step)) for step in (0.001, 0.06))
    events = collect(a_worker)
    for job, least, most in ((quick, 8, 9), (slow, 400, 400)):
        values = said(events, job)
        shares = [value.fraction for value in values if isinstance(value, Share)]
        assert [value for value in values if isinstance(value, int)] == list(range(0, 400, 10))
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0, 1)
        assert least <= len(shares) <= most
        assert values[-1] == END


def test_poll_waits_without_the_lock_and_for_the_first_event_only(a_worker: Worker[Any], a_gate: Gate) -> None:
    a_worker.submit(a_gate)
    assert a_gate.isReached.wait(60)
    assert [event.value for event in a_worker.poll(60)] == ["first"]
    assert a_worker.poll(0) == []
    a_gate.mayGoOn.set()
    collect(a_worker)
    interval = sys.getswitchinterval()
    # From here on another thread gets the lock only when this one waits without it.
    sys.setswitchinterval(1000)
    try:
        job = a_worker.submit(lambda: iter([sum(range(200_000))]))
        for _turn in range(1000):
            assert a_worker.poll(0) == []
        events = a_worker.poll(60)
        while not events[-1].isLast:
            events += a_worker.poll(60)
    finally:
        sys.setswitchinterval(interval)
    assert said(events, job) == [sum(range(200_000)), END]


def test_shutdown_closes_what_runs_does_not_hang_and_takes_nothing_more(a_gate: Gate) -> None:
    worker: Worker[Any] = Worker()
    before = set(threading.enumerate())
    running, waiting = worker.submit(a_gate), worker.submit(steps_of(1))
    [thread] = set(threading.enumerate()) - before
    assert a_gate.isReached.wait(60)
    worker.shutdown(0)  # the step goes on
    assert not a_gate.isClosed.is_set()
    a_gate.mayGoOn.set()
    thread.join(60)
    assert a_gate.isClosed.is_set()
    events = collect(worker)
    assert said(events, running) == ["first", END]
    assert said(events, waiting) == [END]
    worker.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        worker.submit(steps_of(1))
    assert worker.isIdle


def test_nothing_of_a_run_stays_in_memory(a_worker: Worker[Any]) -> None:
    class Image:
        def steps(self) -> Iterator[Image]:
            yield self

    image = Image()
    gone = weakref.ref(image)
    a_worker.submit(image.steps)
    events = collect(a_worker)
    assert events[0].value is image
    del image, events
    for _turn in range(1000):
        if gone() is None:
            break
        gc.collect()
        a_worker.poll(0.01)
    assert gone() is None


def test_events_come_on_the_main_thread_and_the_pump_stops_with_the_last(
    a_slicer: ModuleType, pump: RunLoop, a_worker: Worker[Any]
) -> None:
    threads: set[int] = set()
    seen: list[WorkerEvent[Any]] = []

    def take(event: WorkerEvent[Any]) -> None:
        threads.add(threading.get_ident())
        seen.append(event)
        if event.isLast and len(seen) == 6:
            a_worker.submit(steps_of("again"))  # is pumped too

    a_pump = Pump(a_worker, take)
    a_worker.submit(lambda: iter(sum(range(300_000)) for _step in range(5)))
    for ended in (8, 10):
        a_pump.start()
        assert a_pump._timer.active
        pump(lambda: not a_pump._timer.active)
        assert len(seen) == ended
        a_worker.submit(steps_of("more"))
    assert said(seen) == [sum(range(300_000))] * 5 + [END, "again", END, "more", END]
    assert threads == {threading.get_ident()}


def test_nothing_comes_after_stop_and_nothing_is_lost(
    a_slicer: ModuleType, pump: RunLoop, a_worker: Worker[Any]
) -> None:
    import qt

    seen: list[WorkerEvent[Any]] = []

    def take(event: WorkerEvent[Any]) -> None:
        seen.append(event)
        if event.value == 2:
            a_pump.stop()

    a_pump = Pump(a_worker, take)
    a_worker.submit(lambda: iter(range(6)))
    pump(lambda: a_worker._events.qsize() == 7)  # all of them then come with one poll
    a_pump.start()
    pump(lambda: len(seen) == 3)
    turns: list[int] = []
    timer = qt.QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", lambda: turns.append(1))
    timer.start()
    pump(lambda: len(turns) > 20)
    timer.stop()
    assert said(seen) == [0, 1, 2]
    a_pump.start()
    pump(lambda: not a_pump._timer.active)
    assert said(seen) == [*range(6), END]


def test_a_process_that_ends_in_a_run_ends_cleanly_and_needs_no_application() -> None:
    code = """
        import sys
        import MedCLIPSegLib.worker
        print(sorted({"qt", "ctk", "slicer", "vtk", "numpy", "torch", "logging"} & set(sys.modules)))

        def steps():
            import torch
            x = torch.rand(200, 200)
            while True:
                for _ in range(20):
                    x = x @ x
                yield 1

        worker = MedCLIPSegLib.worker.Worker()
        worker.submit(steps)
        assert worker.poll(100)
        """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=MODULE_FOLDER, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
