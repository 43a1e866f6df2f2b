"""A tuning that is killed again and again ends as if it had not been."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from killing import dying, kill_and_compare

from MedCLIPSegLab.tuning.clip_tune import clip_tune
from MedCLIPSegLab.tuning.request import TUNING_RUN
from MedCLIPSegLab.tuning.settings import TuningSettings

TUNING = TuningSettings(batch_size=4, epochs=2, learning_rate=1e-3, min_caption=5, save_every=1)


def tune_on(folder: Path, pairs: Path, model: Path, steps: int | None) -> None:
    torch.set_num_threads(1)
    resume = TUNING_RUN.is_begun(folder)
    start = None if resume else model
    clip_tune(pairs, folder, None if resume else TUNING, start, resume=resume, progress=dying(steps))


@pytest.mark.slow
def test_a_tuning_killed_again_and_again_ends_like_another(
    some_pairs: Path, a_model_folder: Path, tmp_path: Path
) -> None:
    kill_and_compare(tune_on, tmp_path / "runs", some_pairs, a_model_folder)
