"""Trainings that are killed, and folders that another process trains in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from killing import dying, kill_and_compare

from MedCLIPSegLab.training.request import TRAINING_RUN
from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLogic.errors import MedCLIPSegError

TRAINING = TrainingSettings(steps=10, batch_size=2, stages=((0.5, 32), (0.5, 48)), validate_every=2)


def train_on(folder: Path, data: Path, steps: int | None) -> None:
    torch.set_num_threads(1)
    resume = TRAINING_RUN.is_begun(folder)
    train([data], folder, None if resume else TRAINING, resume=resume, progress=dying(steps))


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_like_another(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    kill_and_compare(train_on, tmp_path / "runs", a_data_set())


def test_a_folder_in_which_another_process_trains_is_refused(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    data, folder = a_data_set(), tmp_path / "model"
    with TRAINING_RUN.claimed(folder):
        with pytest.raises(MedCLIPSegError, match=r"Another process is at work in the folder .*model; wait"):
            train([data], folder, TRAINING)
        assert [path.name for path in folder.iterdir()] == [".run.part"]
    assert not folder.exists()
