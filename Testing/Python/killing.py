"""Functions in processes that are killed at a rename, as by a power cut or kill -9."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

KILLED = -signal.SIGKILL
PRELOADED = ["pytest", "slicer", "MedCLIPSegLogic.zoo.importing", "MedCLIPSegLab.tuning.running"]
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(PRELOADED)


def killed_at_every_rename(
    function: Callable[..., None], *arguments: Any, prepare: Callable[[], None]
) -> Iterator[int]:
    """Run a function again and again in a process of its own, which dies before or after its first rename, its second…

    Args:
        function: to run; found by its name in its module.
        arguments: of it.
        prepare: called before every run.

    Yields:
        After each death its number; ends when a run came to its end.
    """
    for moment in itertools.count():
        prepare()
        if not is_killed(moment, function, *arguments):
            return
        yield moment


def is_killed(moment: int | None, function: Callable[..., None], *arguments: Any) -> bool:
    """Run a function in a process of its own; tells whether it was killed before it came to its end.

    Args:
        moment: the process dies before (2n) or after (2n + 1) its rename of number n, from 0; None leaves it alone.
        function: to run; found by its name in its module.
        arguments: of it.
    """
    process = _processes.Process(target=_run, args=(moment, function, arguments, dict(os.environ)))
    process.start()
    process.join()
    assert process.exitcode in (0, KILLED)
    return process.exitcode == KILLED


def dying(steps: int | None) -> Callable[[Any], None]:
    """Called after every step, of which the process does not survive the one of that number."""
    seen: list[Any] = []

    def look(step: Any) -> None:
        seen.append(step)
        if len(seen) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    return look


def kill_and_compare(function: Callable[..., None], place: Path, *arguments: Any) -> None:
    """Compare a run that is killed again and again with one that is not.

    Args:
        function: begins a run in a folder or goes on with it: takes the folder, ``arguments``, and the number of steps,
            or None, after which its process dies.
        place: empty folder for both.
        arguments: of the function.
    """
    whole, killed, rng = place / "whole", place / "killed", random.Random(4)
    assert not is_killed(None, function, whole, *arguments, None)
    kills = 0
    for most_renames in (4, 8, 16, 16):
        kills += is_killed(rng.randrange(2 * most_renames), function, killed, *arguments, None)
        kills += is_killed(None, function, killed, *arguments, rng.randrange(1, 3))
    assert kills >= 4
    assert not is_killed(None, function, killed, *arguments, None)
    names = [path.relative_to(whole) for path in sorted(whole.rglob("*"))]
    assert [path.relative_to(killed) for path in sorted(killed.rglob("*"))] == names
    for name in names:
        if name.suffix == ".safetensors":
            wanted, found = load_file(whole / name), load_file(killed / name)
            assert wanted.keys() == found.keys()
            assert all(torch.equal(wanted[key], found[key]) for key in wanted), name


def _run(
    moment: int | None, function: Callable[..., None], arguments: tuple[Any, ...], environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    moments = itertools.count()

    def look() -> None:
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def killing(rename: Callable[..., None]) -> Callable[..., None]:
        def call(*paths: Any, **options: Any) -> None:
            look()
            rename(*paths, **options)
            look()

        return call

    os.replace, os.rename = killing(os.replace), killing(os.rename)  # type: ignore[assignment]
    function(*arguments)
