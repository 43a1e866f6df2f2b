"""Progress where nobody watches, and in a terminal."""

from __future__ import annotations

import re
import threading
import time

import pytest
import rich.console

from MedCLIPSegLab.cli import progress
from MedCLIPSegLab.cli.progress import progress_bar, time_left

HANG_SECONDS = 120


def wait_for(pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wait until a line is told."""
    told, given_up = "", time.monotonic() + HANG_SECONDS
    while not re.search(f"^{pattern}$", told, re.MULTILINE):
        assert time.monotonic() < given_up, told
        time.sleep(0.01)
        told += capsys.readouterr().err


def test_without_a_terminal_lines_tell_of_progress_also_during_a_long_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.01)
    with progress_bar("Training") as show:
        wait_for("Training: 0 %, starting", capsys)
        show(0.125, "step 1 of 8, loss 0.5", 130)
        for _ in range(2):  # the step goes on
            wait_for("Training: 12 %, step 1 of 8, loss 0.5, 2 min 10 s left", capsys)
        show(0.5, "step 4 of 8")  # nobody knows the time left but by the time it took
        wait_for(r"Training: 50 %, step 4 of 8, (\d+ min )?\d+ s left", capsys)
    capsys.readouterr()
    assert not [thread for thread in threading.enumerate() if thread.name == progress.WRITER]


def test_short_commands_and_other_processes_of_a_run_are_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar("Checking") as show:
        show(0.5, "half")
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.01)
    monkeypatch.setattr(progress, "IS_FIRST_PROCESS", False)
    with progress_bar("Training") as show:
        show(0.5, "half")
        assert not [thread for thread in threading.enumerate() if thread.name == progress.WRITER]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(rich.console.Console, "is_terminal", True)
    with progress_bar("Training") as show:
        show(0.25, "step 2 of 8", 61)
    told = capsys.readouterr().err
    assert "Training" in told
    assert "25 %" in told
    assert "step 2 of 8, 1 min 1 s left" in told


def test_time_left_in_words() -> None:
    assert [time_left(seconds) for seconds in (0, 59.6, 125, 3600 * 5 + 125)] == [
        "0 s left",
        "1 min 0 s left",
        "2 min 5 s left",
        "5 h 2 min left",
    ]
