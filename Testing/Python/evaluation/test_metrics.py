"""Metrics against the golden values of the published code."""

from pathlib import Path

import numpy as np
import pytest

from MedCLIPSegLab.metrics import dice_score, nsd_published


def test_published_values(golden_folder: Path) -> None:
    for case in range(10):
        golden = np.load(golden_folder / "metrics_and_preprocessing.npz")
        truth, prediction = golden[f"case{case}.truth"], golden[f"case{case}.prediction"]
        assert dice_score(prediction, truth) == pytest.approx(float(golden[f"case{case}.dsc"]), abs=1e-9)
        assert nsd_published(prediction, truth) == pytest.approx(float(golden[f"case{case}.nsd2"]), abs=1e-9)


def test_the_published_boundary_measure_is_none() -> None:
    y, x = np.mgrid[:200, :200]
    disc = np.hypot(y - 100, x - 90) < 60
    shifted = np.roll(disc, 6, axis=1)
    assert nsd_published(shifted, disc) == pytest.approx(0.967, abs=0.005)
