"""The run on the main thread: one step a turn, always exactly one end."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from qt_double import QTimer, turn_event_loop


class Steps:
    """A generator that remembers how it ended."""

    def __init__(self, *events: Any) -> None:
        self.taken = 0
        self.closed = False
        self._events = events

    def __call__(self) -> Iterator[Any]:
        try:
            for event in self._events:
                self.taken += 1
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed = True


class Report:
    """Collects what a run tells."""

    def __init__(self) -> None:
        self.progress: list[Any] = []
        self.results: list[Any] = []
        self.failures: list[Exception] = []


@pytest.fixture
def report() -> Report:
    return Report()


@pytest.fixture
def start(application: ModuleType, report: Report) -> Any:
    """Start a run whose result is the string "result"."""
    from MedCLIPSegLib.segmentation_run import SegmentationRun

    def started(steps: Iterator[Any]) -> Any:
        run = SegmentationRun(
            steps,
            isResult=lambda event: event == "result",
            onProgress=report.progress.append,
            onResult=report.results.append,
            onFailure=report.failures.append,
        )
        run.start()
        return run

    return started


def test_takes_one_step_a_turn(start: Any, report: Report) -> None:
    steps = Steps(1, 2, "result")
    run = start(steps())
    assert steps.taken == 0
    for turn in (1, 2, 3):
        turn_event_loop(1)
        assert steps.taken == turn
    assert (report.progress, report.results, report.failures) == ([1, 2], ["result"], [])
    assert not run.isRunning
    assert steps.closed


def test_cancel_closes_the_engine(start: Any, report: Report) -> None:
    steps = Steps(1, 2, "result")
    run = start(steps())
    turn_event_loop(1)
    run.cancel()
    turn_event_loop()
    assert steps.closed
    assert steps.taken == 1
    assert (report.results, report.failures, QTimer.active) == ([], [], [])


def test_cancel_twice_and_before_the_first_step(start: Any, report: Report) -> None:
    run = start(Steps("result")())
    run.cancel()
    run.cancel()
    turn_event_loop()
    assert not run.isRunning
    assert report.results == []


def test_failure_ends_the_run(start: Any, report: Report) -> None:
    error = ValueError("no good")
    run = start(Steps(1, error)())
    turn_event_loop()
    assert report.failures == [error]
    assert not run.isRunning
    assert QTimer.active == []


def test_engine_that_ends_early_is_a_failure(start: Any, report: Report) -> None:
    start(Steps(1)())
    turn_event_loop()
    assert [type(error) for error in report.failures] == [RuntimeError]


def test_cancel_from_the_progress_callback(start: Any, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(1, 2, "result")
    runs: list[Any] = []
    monkeypatch.setattr(report, "progress", type("Cancel", (), {"append": lambda self, event: runs[0].cancel()})())
    runs.append(start(steps()))
    turn_event_loop()
    assert steps.closed
    assert (report.results, report.failures) == ([], [])
