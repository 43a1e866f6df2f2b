"""The host answers the probes of PythonQt as real runtimes do, but for the deviations the host's README lists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOST = Path(__file__).resolve().parents[2] / "Host"
PROBES = HOST / "probes"
NAMES = ("semantics", "semantics2", "semantics3", "semantics4")
ANSWER = re.compile(r"\* (.*?) +-> (.*)$")


def answers(text: str) -> dict[str, str]:
    """Answer by probe, without addresses."""
    found = (ANSWER.match(line) for line in text.splitlines())
    return {match[1]: re.sub(r"0x[0-9a-f…]+", "0x", match[2]) for match in found if match}


def listed(probe: str) -> set[str]:
    """Probes of a file that the README lists as deviations."""
    rows = re.findall(rf"^\| {probe} \| `(.*?)` \| (.+?) \|$", (HOST / "README.md").read_text(encoding="utf-8"), re.M)
    return {name.replace("¦", "|") for name, _reason in rows}


def same(name: str, mine: str | None, real: str | None) -> bool:
    if mine == real:
        return True
    if mine is None or real is None or ("python thread" not in name and "python QTimer" not in name):
        return False
    if "increments" in real:
        # One pass in real runtimes: hardly any here.
        return int(re.findall(r", (\d+),", mine)[0]) < 20
    numbers = [[int(part) for part in re.findall(r"\d+", text)] for text in (mine, real)]
    return all(real_ / 3 <= mine_ <= real_ * 3 for mine_, real_ in zip(*numbers, strict=True))


@pytest.mark.parametrize("probe", NAMES)
def test_answers_deviate_only_where_listed(probe: str) -> None:
    command = [sys.executable, str(PROBES / "run.py"), f"{probe}.py"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    mine = answers(run.stdout)
    real = [answers((PROBES / f"{probe}.{version}.txt").read_text(encoding="utf-8")) for version in ("58", "41")]
    asked = real[0].keys() | real[1].keys()
    deviating = {name for name in asked if not any(same(name, mine.get(name), other.get(name)) for other in real)}
    assert deviating == listed(probe)
