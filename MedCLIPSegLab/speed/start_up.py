"""How long it takes until something happens: new processes, as a user starts them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from MedCLIPSegLogic.model.catalog import FIRST_MODEL

from ..results.demo import CASES, bundled_cases

REPEATS = 5


def start_up() -> dict[str, Any]:
    """Seconds (median of five) of ``medclipseg --help`` and of a first result of the bundled model, with its files.

    The files read are in the system's cache from the second start on.
    """
    case = bundled_cases()[0]
    with tempfile.TemporaryDirectory(prefix="medclipseg-bench-") as folder:
        out = str(Path(folder) / "result")
        image, model = str(CASES / case.image), FIRST_MODEL
        first = ["segment", image, "--prompt", case.prompt, "--model", model, "--out", out, "--overwrite"]
        return {
            "help_seconds": median(_seconds(["--help"]) for _ in range(REPEATS)),
            "first_result_seconds": median(_seconds(first) for _ in range(REPEATS)),
        }


def _seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "MedCLIPSegLab", *arguments], check=True, capture_output=True)
    return time.perf_counter() - started
