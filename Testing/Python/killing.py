"""Functions in processes that are killed at a rename, as by a power cut or kill -9."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

KILLED = -signal.SIGKILL
PRELOADED = ["pytest", "slicer", "MedCLIPSegLogic.zoo.importing", "MedCLIPSegLogic.datasets.writing"]
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
        process = _processes.Process(target=_run, args=(moment, function, arguments, dict(os.environ)))
        process.start()
        process.join()
        assert process.exitcode in (0, KILLED)
        if process.exitcode == 0:
            return
        yield moment


def _run(moment: int, function: Callable[..., None], arguments: tuple[Any, ...], environment: dict[str, str]) -> None:
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
