"""The number of threads follows what other programs leave, acts where it is computed, and changes rounding alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import psutil
import pytest
import torch
from small_runs import finish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference import free_processors, threads
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.free_processors import Look, free_between, look, most_processors
from MedCLIPSegLogic.inference.request import SegmentationRequest, check_threads
from MedCLIPSegLogic.inference.threads import free_threads, threads_for
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes import limits
from MedCLIPSegLogic.volumes.volume import Volume

Free = Callable[..., None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Makes the next looks tell of so many processors, the last one for ever; every step looks anew."""

    def say(*numbers: float) -> None:
        left, last = list(numbers), [numbers[-1]]
        monkeypatch.setattr(threads, "free_between", lambda *_: left.pop(0) if left else last[0])
        monkeypatch.setattr(threads, "most_processors", lambda: 16.0)
        monkeypatch.setattr(threads, "EVERY", 0.0)
        monkeypatch.setattr(threads, "SHORTEST_LOOK", 0.0)

    return say


@pytest.fixture
def eight_threads() -> Iterator[None]:
    """What PyTorch would take by itself."""
    torch.set_num_threads(8)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("idle", "own", "number"),
    [
        (8.0, 0.0, 8),  # nobody else
        (0.2, 7.7, 8),  # all ours, and a quiet desktop
        (7.0, 0.0, 7),  # one busy program
        (5.9, 1.0, 7),  # the same while one thread computes
        (0.0, 7.5, 7),  # one that shares a processor with one of our eight threads
        (0.0, 0.0, 1),  # every processor is taken
        (0.0, 0.6, 1),  # and by more programs than there are processors
        (12.0, 0.0, 8),  # more than PyTorch would take
    ],
)
def test_as_many_threads_as_processors_that_nobody_else_uses(
    idle: float, own: float, number: int, free: Free, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = Look(100.0, 5000.0, 40.0), Look(102.0, 5000.0 + 2 * idle, 40.0 + 2 * own)
    free(free_between(first, last))
    assert free_threads(8) == number


def test_a_system_that_hides_its_processors_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(**_: bool) -> None:
        raise PermissionError

    monkeypatch.setattr(free_processors.psutil, "cpu_times", hidden)
    assert free_between(look(), look()) == np.inf
    monkeypatch.setattr(threads, "most_processors", lambda: 3.0)
    assert free_threads(8) == 3


def test_looks_tell_of_a_real_busy_program() -> None:
    """Of this one: what it uses itself counts as free for it."""
    first = look()
    while free_processors.time.process_time() < first.own + 0.2:
        pass
    last = look()
    assert last.own - first.own >= 0.2
    assert 0.2 / (last.moment - first.moment) <= free_between(first, last) <= (psutil.cpu_count() or 1) * 1.2


@pytest.mark.parametrize(
    ("own", "files", "most"),
    [
        ("0::/outer/inner\n", {"outer/inner/cpu.max": "max 100000", "outer/cpu.max": "200000 100000"}, 2),
        ("0::/outer/inner\n", {"outer/inner/cpu.max": "150000 100000", "outer/cpu.max": "max 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "50000 100000"}, 1),
        ("3:cpuset:/\n2:cpu,cpuacct:/job\n0::/\n", {"cpu/job/cpu.cfs_quota_us": "300000"}, 3),
        ("1:cpu:/docker/abc\n", {"cpu/cpu.cfs_quota_us": "200000"}, 2),  # only the container's own top is there
        ("1:cpu:/job\n", {"cpu/job/cpu.cfs_quota_us": "-1"}, 8),
        ("1:cpuset:/job\n", {"cpu/job/cpu.cfs_quota_us": "100000"}, 8),  # a group of something else
        ("0::/job\n", {"job/cpu.max": "nonsense"}, 8),
        ("nonsense\n", {}, 8),
    ],
)
def test_quotas_of_containers_are_heeded(
    own: str, files: dict[str, str], most: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        if path.name == "cpu.cfs_quota_us":
            path.with_name("cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "own").write_text(own)
    monkeypatch.setattr(limits, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(limits, "CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(free_processors.psutil.Process, "cpu_affinity", lambda _self: list(range(8)), raising=False)
    assert most_processors() == most
    monkeypatch.setattr(threads, "free_between", lambda *_: 8.0)
    assert free_threads(8) == int(most + 0.5)


def test_affinity_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OWN_GROUPS", Path("none"))
    times = [SimpleNamespace(idle=seconds) for seconds in (1.0, 10.0, 100.0)]
    monkeypatch.setattr(free_processors.psutil, "cpu_times", lambda percpu: times)
    for allowed, idle in (([0, 2], 101.0), ([1], 10.0), ([0, 4], 111.0)):  # the last: one of them is switched off
        monkeypatch.setattr(
            free_processors.psutil.Process, "cpu_affinity", lambda _self, allowed=allowed: allowed, raising=False
        )
        assert (most_processors(), look().idle) == (len(allowed), idle)


def test_a_long_run_follows_as_programs_come_and_go(
    free: Free, eight_threads: None, a_model: LoadedModel, a_volume: Volume
) -> None:
    free(8, 3, 3, 6)
    seen = []
    for _step in run(a_model, SegmentationRequest(volume=a_volume, prompts=("tumor",), samples=2, batch_size=2)):
        seen.append((torch.get_num_threads(), cv2.getNumThreads()))
    assert seen == [(3, 3), (3, 3), *[(6, 6)] * 4]  # five slices and the result
    assert torch.get_num_threads() == 8
    free(8, 3, 3, 6)
    assert finish(a_model, a_volume).settings["threads"] == [8, 3, 6]
    free(5)
    assert finish(a_model, a_volume).settings["threads"] == 5


def test_the_number_acts_on_the_thread_that_computes_and_on_no_other(a_model: LoadedModel, a_volume: Volume) -> None:
    request = SegmentationRequest(volume=a_volume, prompts=("tumor",), threads=3, samples=4)
    before, seen = psutil.Process().num_threads(), []

    def work() -> None:
        large = torch.rand(1500, 1500)
        torch.mm(large, large)  # this thread has computed with its own number before
        steps = run(a_model, request)
        next(steps)
        torch.mm(large, large)
        seen.append((torch.get_num_threads(), psutil.Process().num_threads()))
        steps.close()
        seen.append((torch.get_num_threads(), 0))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert (seen[0][0], seen[1][0], torch.get_num_threads()) == (3, 1, 1)
    assert seen[0][1] >= before + 1 + 2  # the worker and two that help it


def test_results_do_not_depend_on_the_number(a_model: LoadedModel, a_volume: Volume) -> None:
    one, *others = (finish(a_model, a_volume, samples=7, threads=number).prompts[0] for number in (1, 2, 5))
    for other in others:
        for name in ("probability", "uncertainty", "mutual_information"):
            assert np.abs(getattr(one, name) - getattr(other, name)).max() < 1e-5


def test_auto_is_that_of_the_block_around(free: Free, eight_threads: None) -> None:
    free(2)
    with threads_for(5) as outer, threads_for("auto") as inner:
        assert (inner, torch.get_num_threads()) == (outer, 5)
        with threads_for(3):
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == 5
    assert torch.get_num_threads() == 8
    with suppress(ZeroDivisionError), threads_for("auto"):
        assert torch.get_num_threads() == 2
        raise ZeroDivisionError
    assert torch.get_num_threads() == 8


@pytest.mark.parametrize(
    ("given", "meant"), [("auto", "auto"), (0, "auto"), ("0", "auto"), (3, 3), (" 4 ", 4), (1024, 1024)]
)
def test_numbers_and_words_are_understood(given: object, meant: object) -> None:
    assert check_threads(given) == meant


@pytest.mark.parametrize("given", ["", "many", -1, "1.5", 1025, True, None, "9" * 5000])
def test_anything_else_is_one_sentence(given: object) -> None:
    with pytest.raises(MedCLIPSegError, match=r"^The number of threads is .{0,90}; it must be auto or a whole number"):
        check_threads(given)
