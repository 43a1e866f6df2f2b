"""The number of threads that is chosen, beside every other one, alone and beside busy programs.

Run as a script, it prints the record as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any, Literal

import torch

from MedCLIPSegLab.speed.machine import describe_machine
from MedCLIPSegLab.speed.measured import Case, demo_cases
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.free_processors import free_between, look
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import to_the_end
from MedCLIPSegLogic.inference.threads import LONGEST_LOOK
from MedCLIPSegLogic.model.catalog import FIRST_MODEL
from MedCLIPSegLogic.model.library import LoadedModel, load_model

COMPETITORS = (0, 1, 2)
REPEATS = 5
BUSY = "while True: pass"


@contextmanager
def busy_programs(count: int) -> Iterator[None]:
    """Other processes, each of which wants a processor for itself."""
    with ExitStack() as stack:
        for _ in range(count):
            program = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            stack.callback(program.kill)
        time.sleep(1.0)
        yield


def segment(model: LoadedModel, case: Case, threads: Literal["auto"] | int) -> tuple[float, Any]:
    """Segment a picture with the settings of the command line.

    Returns:
        Wall time in seconds, and the number of threads in the record.
    """
    started = time.perf_counter()
    result = to_the_end(run(model, SegmentationRequest(case.volume, (case.prompt,), plane=case.plane, threads=threads)))
    return time.perf_counter() - started, result.settings["threads"]


def numbers_to_compare(most: int) -> list[int]:
    """All numbers of threads, or, of more than four, some."""
    return list(range(1, most + 1)) if most <= 4 else sorted({1, 2, 4, most // 2, most - 2, most - 1, most})


def compare(competitors: Sequence[int] = COMPETITORS, repeats: int = REPEATS) -> list[dict[str, Any]]:
    """Segment one picture with ``mini`` by every number of threads and by the chosen one, in turns.

    Before the choice there is a pause, so that its time includes that of a new look at the processors.

    Args:
        competitors: numbers of busy programs.
        repeats: rounds over all numbers of threads.

    Returns:
        A row for each number of competitors: the processors that are free before, medians in seconds, the numbers that
        were chosen, and the chosen one's time divided by that of the best. Ready for JSON.
    """
    model, case = load_model(FIRST_MODEL), demo_cases()[0]
    numbers = numbers_to_compare(torch.get_num_threads())
    for number in numbers:
        segment(model, case, number)
    rows = []
    for count in competitors:
        with busy_programs(count):
            before = look()
            time.sleep(1.0)
            free = free_between(before, look())
            seconds: dict[int, list[float]] = {number: [] for number in numbers}
            chosen, used = [], []
            for _ in range(repeats):
                for number in numbers:
                    seconds[number].append(segment(model, case, number)[0])
                time.sleep(LONGEST_LOOK + 0.1)
                took, threads = segment(model, case, "auto")
                chosen.append(took)
                used.append(threads)
        medians = {number: median(times) for number, times in seconds.items()}
        rows.append(
            {
                "competitors": count,
                "free_processors": round(free, 2),
                "seconds": {str(number): round(value, 3) for number, value in medians.items()},
                "chosen_seconds": round(median(chosen), 3),
                "chosen": used,
                "ratio_to_best": round(median(chosen) / min(medians.values()), 2),
                "ratio_of_worst": round(max(medians.values()) / min(medians.values()), 2),
            }
        )
    return rows


if __name__ == "__main__":
    record = {"machine": describe_machine(torch.device("cpu")), "repeats": REPEATS, "rows": compare()}
    print(json.dumps(record, indent=2))
