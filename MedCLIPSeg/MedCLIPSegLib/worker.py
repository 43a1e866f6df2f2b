"""One thread that works generators off, for a main thread that seldom gives Python's lock away."""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

PROGRESS_INTERVAL = 0.05
"""Least time in seconds between two events of which only the newest counts."""

SHUTDOWN_SECONDS = 2.0
"""Longest wait for the present step when the worker is shut down."""

T = TypeVar("T")


class Job:
    """One generator on the worker's thread."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Close the generator after its present step, whose event is dropped; "finished" follows.

        Events that wait in the worker are still handed out before that.
        """
        self._cancelled.set()

    @property
    def isCancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._cancelled.is_set()


@dataclass(frozen=True, eq=False)
class WorkerEvent(Generic[T]):
    """What happened to a job.

    Args:
        job: the job.
        value: what was yielded; None when the job ended.
        error: what ended the job, with its traceback; None otherwise.
        isLast: the job ended.
    """

    job: Job
    value: T | None = None
    error: BaseException | None = None
    isLast: bool = False


class Worker(Generic[T]):
    """Runs jobs one after the other on a thread that starts with the first and stays.

    It stays because graphics libraries keep plans for each thread; it is a daemon, so it never holds up the end of
    the application. On the thread there is no Qt, no MRML and no logging. All methods are for the main thread.

    Of values with a ``fraction``, which tell of progress, only the newest counts: they come at most 20 times per
    second, may fall behind other events, and the last one always comes.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Job, Callable[[], Iterator[T]]] | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[WorkerEvent[T]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._jobs: list[Job] = []
        self._isShutDown = False

    @property
    def isIdle(self) -> bool:
        """True when the last event of every job was handed out by `poll`."""
        return not self._jobs

    def submit(self, makeSteps: Callable[[], Iterator[T]]) -> Job:
        """Work a generator off after those before it.

        Args:
            makeSteps: makes the generator; called on the thread and then forgotten.

        Raises:
            RuntimeError: after `shutdown`.
        """
        if self._isShutDown:
            raise RuntimeError("The worker was shut down.")
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="MedCLIPSeg", daemon=True)
            self._thread.start()
            atexit.register(self.shutdown)
        job = Job()
        self._jobs.append(job)
        self._orders.put((job, makeSteps))
        return job

    def poll(self, seconds: float) -> list[WorkerEvent[T]]:
        """Wait for events, without Python's lock so that the thread can work, and hand out all that are there.

        Args:
            seconds: longest wait for the first event.
        """
        events: list[WorkerEvent[T]] = []
        try:
            events.append(self._events.get(timeout=seconds))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        ended = [event.job for event in events if event.isLast]
        self._jobs = [job for job in self._jobs if job not in ended]
        return events

    def shutdown(self, seconds: float = SHUTDOWN_SECONDS) -> None:
        """Cancel every job and end the thread; nothing can be submitted any more.

        Args:
            seconds: longest wait for the present step. A process that ends while a thread is inside PyTorch aborts.
        """
        self._isShutDown = True
        for job in self._jobs:
            job.cancel()
        thread, self._thread = self._thread, None
        if thread is None:
            return
        atexit.unregister(self.shutdown)
        self._orders.put(None)
        thread.join(seconds)

    def _loop(self) -> None:
        while (order := self._orders.get()) is not None:
            job, makeSteps = order
            # Else the image and the result of the last run would stay in memory while the thread waits.
            del order
            failure: BaseException | None = None
            try:
                self._work(job, makeSteps)
            except BaseException as error:  # the thread has to outlive whatever a library raises
                failure = error
            self._events.put(WorkerEvent(job, error=failure, isLast=True))
            del job, makeSteps, failure

    def _work(self, job: Job, makeSteps: Callable[[], Iterator[T]]) -> None:
        if job.isCancelled:
            return
        steps = makeSteps()
        lastTime, held = float("-inf"), None
        try:
            for value in steps:
                if job.isCancelled:
                    return
                event = WorkerEvent(job, value)
                if hasattr(value, "fraction"):
                    now = monotonic()
                    if now - lastTime < PROGRESS_INTERVAL:
                        held = event
                        continue
                    lastTime, held = now, None
                self._events.put(event)
            if held is not None:
                self._events.put(held)
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()
