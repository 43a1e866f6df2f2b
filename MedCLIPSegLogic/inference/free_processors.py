"""How much processor time this process can have: by its affinity, its control groups and what other programs use."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ..volumes import limits


@dataclass(frozen=True)
class Look:
    """A look at the processors; two of them tell what happened in between.

    Args:
        moment: of the look, in seconds.
        idle: seconds that the processors of this process have been idle, all together; 0 where the system does not say.
        own: seconds of processor time this process has used.
    """

    moment: float
    idle: float
    own: float


def look() -> Look:
    """Look at the processors now; takes well below a millisecond."""
    times: list[Any] = []
    with suppress(OSError, psutil.Error):  # some containers hide it
        times = psutil.cpu_times(percpu=True)
    allowed = _allowed()
    if max(allowed, default=0) >= len(times):  # some are switched off, and only the others are listed
        allowed = set()
    ours = [each for number, each in enumerate(times) if not allowed or number in allowed]
    idle = sum(each.idle + getattr(each, "iowait", 0.0) for each in ours)
    return Look(time.monotonic(), idle, time.process_time())


def free_between(first: Look, last: Look) -> float:
    """Processors that were idle or ours between two looks, and so were to be had; infinite if the system hides them."""
    if not last.idle:
        return math.inf
    return (last.idle - first.idle + last.own - first.own) / max(last.moment - first.moment, 1e-6)


def most_processors() -> float:
    """Processors that affinity and control groups allow, no matter who else is there; at least 1 and maybe broken."""
    count = len(_allowed()) or psutil.cpu_count() or 1
    return max(1.0, min([float(count), *_quotas()]))


def _allowed() -> set[int]:
    """Numbers of the processors this process may run on; empty where the system does not tell."""
    with suppress(AttributeError, OSError, psutil.Error):  # macOS has no affinity
        return set(psutil.Process().cpu_affinity() or ())
    return set()


def _quotas() -> Iterator[float]:
    """Processors' worth of time that the control groups of Linux grant, in which containers and batch systems run."""
    try:
        lines = [line.split(":", 2) for line in limits.OWN_GROUPS.read_text().splitlines()]
    except OSError:
        return
    for _number, controllers, place in (line for line in lines if len(line) == 3):
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = limits.CONTROL_GROUPS / ("cpu" if controllers else "")
        group = top / place.lstrip("/")
        # In a container the place may be that of the host, and only its top be there.
        for folder in (group, *(parent for parent in group.parents if parent.is_relative_to(top))):
            yield _quota(folder)


def _quota(group: Path) -> float:
    """What one group grants; infinite without a limit, and where it is not there."""
    with suppress(OSError, ValueError):
        if (group / "cpu.max").is_file():
            granted, period = (group / "cpu.max").read_text().split()
        else:
            granted, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        if granted not in ("max", "-1"):
            return int(granted) / int(period)
    return math.inf
