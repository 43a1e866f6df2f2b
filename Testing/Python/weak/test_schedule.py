"""Cyclical learning rate and kept epochs, by numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from MedCLIPSegLab.weak.settings import CyclicTraining
from MedCLIPSegLogic.errors import MedCLIPSegError


def test_each_cycle_restarts_high_falls_and_stays() -> None:
    for cycle in [0, 1, 2]:
        rates = [CyclicTraining().learning_rate(200 * cycle + epoch) for epoch in range(200)]
        assert rates[0] == 0.1
        assert rates[1] == pytest.approx(0.01 * (199 / 200) ** 0.9)
        assert rates[100] == pytest.approx(0.0053589, abs=1e-7)  # 0.01 · 0.5^0.9
        assert rates[160:] == [pytest.approx(0.0023492, abs=1e-7)] * 40  # 0.01 · 0.2^0.9
        assert all(after < before for before, after in pairwise(rates[:161]))


def test_the_released_schedule_hardly_cycles() -> None:
    """Between 0.0100 and 0.0085."""
    rates = [CyclicTraining(schedule="released").learning_rate(epoch) for epoch in range(600)]
    assert (max(rates), round(min(rates), 4)) == (0.01, 0.0085)
    assert [epoch for epoch, rate in enumerate(rates) if rate == 0.01] == [0, 200, 400]


def test_thirty_checkpoints_as_published() -> None:
    kept = CyclicTraining().kept_epochs
    assert kept == [*range(190, 200), *range(390, 400), *range(590, 600)]
    assert CyclicTraining(epochs=8, cycles=2).kept_epochs == list(range(8))
    assert CyclicTraining(epochs=5, cycles=1, kept=2).kept_epochs == [3, 4]


def test_what_cannot_be_cut_is_refused() -> None:
    for options, words in [
        ({"epochs": 100, "cycles": 3}, "100 epochs cannot be cut into 3 cycles"),
        ({"cycles": 0}, "number of cycles is 0"),
        ({"iterations": 0}, "number of iterations is 0"),
    ]:
        with pytest.raises(MedCLIPSegError, match=words):
            CyclicTraining(**options)
