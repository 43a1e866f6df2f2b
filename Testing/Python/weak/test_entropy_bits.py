"""Entropy in bits and the score of an image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from MedCLIPSegLab.weak.prediction import edge_pixels, entropy_bits, image_score


def test_entropy_agrees_with_scipy_and_is_finite_at_the_ends() -> None:
    p = np.linspace(0.01, 0.99, 50).astype(np.float32)
    expected = stats.entropy(np.stack([p, 1 - p]).astype(np.float64), base=2, axis=0)
    assert entropy_bits(p) == pytest.approx(expected, abs=1e-6)
    assert entropy_bits(np.array([0.5], np.float32))[0] == 1
    assert entropy_bits(np.array([0.0, 1.0], np.float32)) == pytest.approx([0, 0], abs=1e-5)


def test_the_rim_is_counted_in_pixels() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 7:17] = True
    assert edge_pixels(mask) == 7 * 12 - 5 * 10
    assert image_score(np.full(mask.shape, 0.25, np.float32), mask) == pytest.approx(100 * 0.25 * 600 / 34)


def test_without_a_rim_there_is_no_score() -> None:
    for value in [False, True]:
        assert image_score(np.ones((8, 8), np.float32), np.full((8, 8), value)) is None
