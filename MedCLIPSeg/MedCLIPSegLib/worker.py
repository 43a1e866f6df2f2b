"""One thread that works generators off, for a main thread that seldom gives Python's lock away."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

PROGRESS_INTERVAL = 0.05
"""Seconds between two events of the same kind that may be left out."""


class Job:
    """One generator on the worker's thread."""

    def __init__(self, makeSteps: Callable[[], Iterator[Any]]) -> None:
        self.makeSteps = makeSteps
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End the generator after its present step; `finished` follows."""
        self._cancelled.set()

    @property
    def isCancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._cancelled.is_set()


@dataclass(frozen=True, eq=False)
class WorkerEvent:
    """What happened to a job.

    Args:
        job: the job.
        kind: "event" for what its generator yielded, then "finished" or "failed" once as the last.
        value: what was yielded, None, or the exception.
    """

    job: Job
    kind: Literal["event", "finished", "failed"]
    value: Any = None


class Worker:
    """Runs jobs one after the other on a thread that starts with the first and stays.

    It stays because graphics libraries keep plans for each thread; it is a daemon, so it never holds up the end of
    the application. On the thread there is no Qt, no MRML and no logging.

    Args:
        isProgress: tells events of which only the newest counts; they come at most 20 times a second.
    """

    def __init__(self, isProgress: Callable[[Any], bool] = lambda value: False) -> None:
        self._isProgress = isProgress
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[WorkerEvent] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._present: Job | None = None
        self._unfinished = 0
        self._isShutDown = False

    @property
    def isIdle(self) -> bool:
        """True when every job's last event was handed out by `poll`."""
        return self._unfinished == 0

    def submit(self, makeSteps: Callable[[], Iterator[Any]]) -> Job:
        """Work a generator off after those before it.

        Args:
            makeSteps: called on the thread.

        Raises:
            RuntimeError: after `shutdown`.
        """
        if self._isShutDown:
            raise RuntimeError("the worker was shut down")
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="MedCLIPSeg", daemon=True)
            self._thread.start()
        job = self._present = Job(makeSteps)
        self._unfinished += 1
        self._jobs.put(job)
        return job

    def poll(self, seconds: float) -> list[WorkerEvent]:
        """Wait for events, without Python's lock so that the thread can work, and hand out all that are there.

        Args:
            seconds: longest wait for the first event.
        """
        events: list[WorkerEvent] = []
        try:
            events.append(self._events.get(timeout=seconds))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        self._unfinished -= sum(event.kind != "event" for event in events)
        return events

    def shutdown(self) -> None:
        """Cancel what runs and let the thread end after its present step; waits for nothing."""
        self._isShutDown = True
        if self._present is not None:
            self._present.cancel()
        if self._thread is not None:
            self._jobs.put(None)

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._work(job)
            del job  # keeps neither a volume nor a result alive while it waits

    def _work(self, job: Job) -> None:
        try:
            if not job.isCancelled and not self._isShutDown:
                self._exhaust(job)
        except BaseException as error:  # the thread has to outlive whatever a library raises
            self._events.put(WorkerEvent(job, "failed", error))
        else:
            self._events.put(WorkerEvent(job, "finished"))

    def _exhaust(self, job: Job) -> None:
        steps = job.makeSteps()
        lastProgress, held = 0.0, None
        try:
            for value in steps:
                if job.isCancelled or self._isShutDown:
                    return
                if not self._isProgress(value):
                    self._events.put(WorkerEvent(job, "event", value))
                    continue
                held = value
                now = time.monotonic()
                if now - lastProgress >= PROGRESS_INTERVAL:
                    lastProgress, held = now, None
                    self._events.put(WorkerEvent(job, "event", value))
            if held is not None:
                self._events.put(WorkerEvent(job, "event", held))
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()
