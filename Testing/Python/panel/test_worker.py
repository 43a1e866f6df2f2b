"""The worker's thread: order, cancel, failures, throttling and its end; no Qt."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from MedCLIPSegLib.worker import Job, Worker, WorkerEvent

MODULE_FOLDER = Path(__file__).parents[3] / "MedCLIPSeg"


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
            assert self.mayGoOn.wait(10)
            yield "second"
            yield "third"
        finally:
            self.isClosed.set()


@pytest.fixture
def a_worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.shutdown()


@pytest.fixture
def a_gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.mayGoOn.set()


def collect(worker: Worker, seconds: float = 10) -> list[WorkerEvent]:
    """All events until the worker is idle."""
    end = time.monotonic() + seconds
    events: list[WorkerEvent] = []
    while not worker.isIdle:
        assert time.monotonic() < end, events
        events += worker.poll(0.02)
    return events


def summary(events: list[WorkerEvent], job: Job) -> list[tuple[str, Any]]:
    return [(event.kind, event.value) for event in events if event.job is job]


def steps_of(*values: Any) -> Callable[[], Iterator[Any]]:
    return lambda: iter(values)


def test_events_come_in_order_and_the_end_last(a_worker: Worker) -> None:
    job = a_worker.submit(steps_of(*range(100)))
    assert not a_worker.isIdle
    assert summary(collect(a_worker), job) == [*(("event", number) for number in range(100)), ("finished", None)]
    assert a_worker.poll(0) == []


def test_jobs_run_one_after_the_other_on_one_thread(a_worker: Worker) -> None:
    def threads() -> Iterator[int]:
        yield threading.get_ident()

    jobs = [a_worker.submit(threads) for _ in range(3)]
    events = collect(a_worker)
    assert [event.job for event in events] == [job for job in jobs for _ in range(2)]
    idents = {event.value for event in events if event.kind == "event"}
    assert len(idents) == 1
    assert threading.get_ident() not in idents


def test_the_thread_starts_with_the_first_job_and_is_a_daemon() -> None:
    before = set(threading.enumerate())
    worker = Worker()
    assert set(threading.enumerate()) == before
    assert worker.isIdle
    worker.submit(steps_of())
    [thread] = set(threading.enumerate()) - before
    assert thread.daemon
    worker.shutdown()
    assert not thread.is_alive()


def test_a_job_cancelled_before_its_start_never_begins(a_worker: Worker, a_gate: Gate) -> None:
    begun: list[int] = []
    first = a_worker.submit(a_gate)
    second = a_worker.submit(lambda: iter([begun.append(1)]))
    second.cancel()
    assert second.isCancelled
    assert not first.isCancelled
    a_gate.mayGoOn.set()
    events = collect(a_worker)
    assert summary(events, second) == [("finished", None)]
    assert summary(events, first)[-1] == ("finished", None)
    assert begun == []


def test_cancel_closes_the_generator_after_its_present_step(a_worker: Worker, a_gate: Gate) -> None:
    job = a_worker.submit(a_gate)
    assert a_gate.isReached.wait(10)
    job.cancel()
    assert not a_gate.isClosed.is_set()
    a_gate.mayGoOn.set()
    assert summary(collect(a_worker), job) == [("event", "first"), ("finished", None)]
    assert a_gate.isClosed.is_set()


def test_cancel_after_the_end_changes_nothing(a_worker: Worker) -> None:
    job = a_worker.submit(steps_of(1))
    collect(a_worker)
    job.cancel()
    assert a_worker.poll(0.1) == []
    again = a_worker.submit(steps_of(2))
    assert summary(collect(a_worker), again) == [("event", 2), ("finished", None)]


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), MemoryError(), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration("inside")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("place", ["made", "first", "later"])
def test_whatever_is_raised_ends_the_job_and_not_the_thread(a_worker: Worker, error: Any, place: str) -> None:
    def make() -> Iterator[str]:
        if place == "made":
            raise error
        return steps()

    def steps() -> Iterator[str]:
        if place == "later":
            yield "one"
        raise error

    job = a_worker.submit(make)
    *events, (kind, value) = summary(collect(a_worker), job)
    assert events == ([("event", "one")] if place == "later" else [])
    assert kind == "failed"
    # A generator turns StopIteration into RuntimeError.
    assert value is error or (isinstance(error, StopIteration) and value.__cause__ is error)
    assert value.__traceback__ is not None
    next_job = a_worker.submit(steps_of("alive"))
    assert summary(collect(a_worker), next_job) == [("event", "alive"), ("finished", None)]


@pytest.mark.parametrize("made", [None, 5])
def test_what_cannot_be_iterated_fails(a_worker: Worker, made: Any) -> None:
    job = a_worker.submit(lambda: made)
    [(kind, error)] = summary(collect(a_worker), job)
    assert kind == "failed"
    assert isinstance(error, TypeError)


def test_a_failure_while_closing_is_the_only_end(a_worker: Worker, a_gate: Gate) -> None:
    def steps() -> Iterator[Any]:
        try:
            yield from a_gate()
        finally:
            raise OSError("cannot close")

    job = a_worker.submit(steps)
    assert a_gate.isReached.wait(10)
    job.cancel()
    a_gate.mayGoOn.set()
    *_, (kind, error) = summary(collect(a_worker), job)
    assert kind == "failed"
    assert isinstance(error, OSError)
    assert a_worker.poll(0.1) == []


def test_progress_is_throttled_and_everything_else_comes(a_worker: Worker) -> None:
    def steps() -> Iterator[Any]:
        for number in range(400):
            yield Share(number / 399)
            if number % 10 == 0:
                yield number
            time.sleep(0.001)

    job = a_worker.submit(steps)
    times: list[float] = []
    events: list[WorkerEvent] = []
    began = time.monotonic()
    while not a_worker.isIdle:
        polled = a_worker.poll(0.02)
        times += [time.monotonic() - began for event in polled if isinstance(event.value, Share)]
        events += polled
    values = [value for _, value in summary(events, job)]
    assert [value for value in values if isinstance(value, int)] == list(range(0, 400, 10))
    shares = [value.fraction for value in values if isinstance(value, Share)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1
    # One at the beginning, 20 a second, and the last one.
    assert 5 <= len(shares) <= times[-1] * 20 + 2
    assert events[-1].kind == "finished"


def test_slow_progress_all_comes(a_worker: Worker) -> None:
    def steps() -> Iterator[Share]:
        for number in range(4):
            yield Share(number)
            time.sleep(0.06)

    job = a_worker.submit(steps)
    assert [value for kind, value in summary(collect(a_worker), job) if kind == "event"] == [Share(n) for n in range(4)]


def test_what_counts_as_progress_can_be_told() -> None:
    worker = Worker(isProgress=lambda value: isinstance(value, int))
    job = worker.submit(steps_of(*range(50), Share(0.1), Share(0.2)))
    values = [value for kind, value in summary(collect(worker), job) if kind == "event"]
    assert [value for value in values if isinstance(value, Share)] == [Share(0.1), Share(0.2)]
    assert [value for value in values if isinstance(value, int)] == [0, 49]
    worker.shutdown()


def test_poll_waits_for_the_first_event_only(a_worker: Worker, a_gate: Gate) -> None:
    a_worker.submit(a_gate)
    assert a_gate.isReached.wait(10)
    assert [event.value for event in a_worker.poll(5)] == ["first"]
    began = time.monotonic()
    assert a_worker.poll(0.1) == []
    assert 0.09 < time.monotonic() - began < 1
    threading.Timer(0.1, a_gate.mayGoOn.set).start()
    began = time.monotonic()
    assert a_worker.poll(5)
    assert time.monotonic() - began < 2


def test_poll_gives_the_lock_up(a_worker: Worker) -> None:
    def steps() -> Iterator[int]:
        yield sum(range(200_000))

    a_worker.submit(steps_of())
    collect(a_worker)
    interval = sys.getswitchinterval()
    # From here on another thread gets the lock only when this one waits without it.
    sys.setswitchinterval(100)
    try:
        job = a_worker.submit(steps)
        busy_until = time.monotonic() + 0.2
        while time.monotonic() < busy_until:
            pass
        assert a_worker.poll(0) == []
        events = a_worker.poll(5)
        while events[-1].kind == "event":
            events += a_worker.poll(5)
    finally:
        sys.setswitchinterval(interval)
    assert summary(events, job) == [("event", sum(range(200_000))), ("finished", None)]


def test_shutdown_closes_what_runs_and_ends_the_thread(a_gate: Gate) -> None:
    worker = Worker()
    before = set(threading.enumerate())
    running, waiting = worker.submit(a_gate), worker.submit(steps_of(1))
    [thread] = set(threading.enumerate()) - before
    assert a_gate.isReached.wait(10)
    a_gate.mayGoOn.set()
    worker.shutdown()
    assert a_gate.isClosed.is_set()
    assert not thread.is_alive()
    events = collect(worker)
    assert summary(events, running) == [("event", "first"), ("finished", None)]
    assert summary(events, waiting) == [("finished", None)]
    assert worker.isIdle


def test_shutdown_does_not_hang_in_a_long_step(a_gate: Gate) -> None:
    worker = Worker()
    worker.submit(a_gate)
    assert a_gate.isReached.wait(10)
    began = time.monotonic()
    worker.shutdown(0.1)
    assert time.monotonic() - began < 2
    a_gate.mayGoOn.set()
    assert a_gate.isClosed.wait(10)


def test_nothing_is_taken_after_shutdown(a_worker: Worker) -> None:
    a_worker.shutdown()
    a_worker.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        a_worker.submit(steps_of(1))
    assert a_worker.isIdle


def test_nothing_of_a_run_stays_in_memory(a_worker: Worker) -> None:
    class Image:
        def steps(self) -> Iterator[Image]:
            yield self

    image = Image()
    gone = weakref.ref(image)
    job = a_worker.submit(image.steps)
    events = collect(a_worker)
    assert events[0].value is image
    del image, events
    end = time.monotonic() + 5
    while gone() is not None and time.monotonic() < end:
        gc.collect()
        a_worker.poll(0.01)
    assert gone() is None
    assert not job.isCancelled


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=MODULE_FOLDER, capture_output=True, text=True, timeout=60
    )


def test_a_process_that_ends_in_a_run_ends_cleanly() -> None:
    done = run_python(
        """
        from MedCLIPSegLib.worker import Worker

        def steps():
            import torch
            x = torch.rand(200, 200)
            while True:
                for _ in range(20):
                    x = x @ x
                yield 1

        worker = Worker()
        worker.submit(steps)
        assert worker.poll(50)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_worker_needs_neither_application_nor_numpy() -> None:
    done = run_python(
        """
        import sys
        import MedCLIPSegLib.worker
        print(sorted({"qt", "ctk", "slicer", "vtk", "numpy", "torch", "logging"} & set(sys.modules)))
        """
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
