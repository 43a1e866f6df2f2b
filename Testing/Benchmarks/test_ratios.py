"""Speed, as ratios within one run and with wide margins: `make bench` runs it, `make test` does not."""

from __future__ import annotations

from typing import Any

import pytest
from program_costs import scene_speed, start_up, volume_cost
from thread_choice import compare

from MedCLIPSegLab.speed.measuring import speed


def by_name(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["variant"]: row for row in record["variants"]}


@pytest.fixture(scope="module")
def mini() -> dict[str, Any]:
    return speed("mini", device="cpu", threads=1, parts=["variants"])


@pytest.fixture(scope="module")
def full_size() -> dict[str, Any]:
    return speed("unimedclip", random_weights=True, limit=1, repeats=1, device="cpu", parts=["variants"])


def test_exact_sampling_beats_the_loop_and_equals_it(mini: dict[str, Any], full_size: dict[str, Any]) -> None:
    assert by_name(mini)["exact"]["ratio"] > 1.2
    assert by_name(full_size)["exact"]["ratio"] > 1.15
    for record in (mini, full_size):
        assert by_name(record)["exact"]["probability_difference_max"] < 1e-4


def test_adaptive_sampling_saves_passes_and_agrees(mini: dict[str, Any]) -> None:
    row = by_name(mini)["adaptive"]
    assert row["passes_mean"] < 30 / 3
    assert row["ratio"] > 3
    assert row["dice_median"] > 0.99
    assert row["entropy_correlation_median"] > 0.98


def test_adaptive_and_int8_together(full_size: dict[str, Any]) -> None:
    assert by_name(full_size)["adaptive, int8"]["ratio"] > 6
    assert by_name(full_size)["exact, int8"]["ratio"] > by_name(full_size)["exact"]["ratio"]


def test_something_is_seen_at_once(mini: dict[str, Any], full_size: dict[str, Any]) -> None:
    assert by_name(mini)["preview"]["ratio"] > 15
    assert by_name(full_size)["preview"]["ratio"] > 22


def test_the_chosen_number_of_threads_is_nearly_the_best_beside_busy_programs() -> None:
    for row in compare(repeats=3):
        assert row["ratio_to_best"] < 1.5, row


def test_time_is_linear_and_memory_flat() -> None:
    cost = volume_cost()
    seconds = [row["seconds_per_slice"] for row in cost["slices"]]
    assert max(seconds) < 2 * min(seconds)
    for rows in cost.values():
        rest = [row["rest_mb"] for row in rows]
        assert max(rest) < 1.15 * min(rest)


def test_it_starts_quickly() -> None:
    times = start_up()
    assert times["help_seconds"] < 1
    assert times["first_result_seconds"] < 20


def test_the_scene_follows() -> None:
    scene = scene_speed()
    assert scene["writing_seconds"] < 4
    assert scene["threshold_ms"] < 100
