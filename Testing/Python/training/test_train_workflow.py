"""The training loop end to end on a small data set."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from MedCLIPSegLab.training.settings import TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLab.training.trainer import TrainingProgress
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.library import load_model

SETTINGS = TrainingSettings(steps=6, batch_size=2, stages=((0.5, 32), (0.5, 48)), validate_every=2)


class Killed(Exception):
    pass


def kill_after(step: int) -> Callable[[TrainingProgress], None]:
    def look(progress: TrainingProgress) -> None:
        if progress.step == step:
            raise Killed

    return look


@pytest.fixture(autouse=True)
def few_threads() -> None:
    torch.set_num_threads(1)


def test_a_run_leaves_a_model_that_loads(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    steps: list[TrainingProgress] = []
    folder = train([a_data_set()], tmp_path / "model", SETTINGS, progress=steps.append)
    model = load_model(folder)
    assert model.config.image.image_size == 48
    assert [s.step for s in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1].dice is not None
    rows = list(csv.DictReader((folder / "log.csv").open()))
    assert [float(row["step"]) for row in rows] == [2, 4, 6]
    assert [float(row["size"]) for row in rows] == [32, 48, 48]
    assert {"loss", "loss_dice", "dice_discs", "dice_mean"} <= set(rows[0])
    assert Image.open(folder / "curve.png").size[0] > 300
    record = json.loads((folder / "training.json").read_text())
    assert record["settings"]["steps"] == 6
    assert record["data"] == {"discs": {"images": 6, "items": 6}}


@pytest.mark.slow
def test_a_killed_run_continues_identically(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    data = [a_data_set()]
    whole = train(data, tmp_path / "whole", SETTINGS)
    with pytest.raises(Killed):
        train(data, tmp_path / "killed", SETTINGS, progress=kill_after(5))
    killed = train(data, tmp_path / "killed", SETTINGS, resume=True)
    wanted, found = (load_file(folder / "state.safetensors") for folder in (whole, killed))
    assert set(wanted) == set(found)
    for name, tensor in wanted.items():
        assert torch.equal(tensor, found[name]), name


@pytest.mark.slow
def test_training_learns(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    settings = TrainingSettings(steps=60, batch_size=4, stages=((1.0, 48),), validate_every=30, ema_decay=0.8)
    folder = train([a_data_set()], tmp_path / "model", settings)
    rows = list(csv.DictReader((folder / "log.csv").open()))
    assert float(rows[-1]["loss_dice"]) < 0.8 * float(rows[0]["loss_dice"])


def test_frozen_towers_stay(a_data_set: Callable[..., Path], a_model_folder: Path, tmp_path: Path) -> None:
    settings = TrainingSettings(steps=2, batch_size=2, stages=((1.0, 32),), validate_every=2, freeze_towers=True)
    folder = train([a_data_set()], tmp_path / "tuned", settings, start_from=a_model_folder)
    state, before = load_file(folder / "state.safetensors"), load_file(a_model_folder / "model.safetensors")
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, state[f"network.{name}"])}
    weights = {name for name in moved if "running_" not in name and "num_batches" not in name}
    assert weights
    assert all(name.startswith(("pvl_adapters.", "upscale.", "mask_head.")) for name in weights)


def test_frozen_towers_keep_their_statistics(
    a_data_set: Callable[..., Path], a_model_folder: Path, tmp_path: Path
) -> None:
    settings = TrainingSettings(steps=2, batch_size=2, stages=((1.0, 32),), validate_every=2, freeze_towers=True)
    folder = train([a_data_set()], tmp_path / "tuned", settings, start_from=a_model_folder)
    state, before = load_file(folder / "state.safetensors"), load_file(a_model_folder / "model.safetensors")
    for name, tensor in before.items():
        if name.startswith("vision_model.") and "running_" in name:
            assert torch.equal(tensor, state[f"network.{name}"]), name


@pytest.mark.parametrize(
    "missing", ["Prompts_Folder/Train_text.xlsx", "Train_Folder/img/3.png", "Train_Folder/label/3.png"]
)
def test_missing_data_is_named(a_data_set: Callable[..., Path], tmp_path: Path, missing: str) -> None:
    folder = a_data_set()
    (folder / missing).unlink()
    with pytest.raises(MedCLIPSegError, match=Path(missing).stem):
        train([folder], tmp_path / "model", SETTINGS)
    assert not (tmp_path / "model").exists()


def test_a_used_folder_and_nothing_to_resume_are_refused(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    with pytest.raises(MedCLIPSegError, match="not empty"):
        train([a_data_set()], tmp_path / "used", SETTINGS)
    with pytest.raises(MedCLIPSegError, match="no interrupted training"):
        train([a_data_set("again")], tmp_path / "used", SETTINGS, resume=True)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(MedCLIPSegError, match="add up to 1"):
        TrainingSettings(stages=((0.5, 32),))
    with pytest.raises(MedCLIPSegError, match="number of steps is 0; it must be at least 1"):
        TrainingSettings(steps=0)


@pytest.mark.slow
def test_a_run_killed_before_its_first_validation_can_be_resumed(
    a_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    data = [a_data_set()]
    whole = train(data, tmp_path / "whole", SETTINGS)
    with pytest.raises(Killed):
        train(data, tmp_path / "killed", SETTINGS, progress=kill_after(1))
    killed = train(data, tmp_path / "killed", SETTINGS, resume=True)
    wanted, found = (load_file(folder / "model.safetensors") for folder in (whole, killed))
    assert all(torch.equal(tensor, found[name]) for name, tensor in wanted.items())


def test_a_run_is_not_resumed_with_other_settings(a_data_set: Callable[..., Path], tmp_path: Path) -> None:
    data = [a_data_set()]
    folder = train(data, tmp_path / "model", SETTINGS)
    before = (folder / "training.json").read_text()
    with pytest.raises(MedCLIPSegError, match="begun with seed 0, not 9"):
        train(data, folder, dataclasses.replace(SETTINGS, seed=9), resume=True)
    assert (folder / "training.json").read_text() == before


def test_settings_out_of_range_are_named() -> None:
    for change, words in [
        ({"stages": ((1.0, 40),)}, "multiple of 16"),
        ({"stages": ((float("nan"), 32),)}, "a finite number"),
        ({"learning_rate": -1.0}, "learning rate"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"seed": -1}, "seed"),
    ]:
        with pytest.raises(MedCLIPSegError, match=words):
            TrainingSettings(**change)


def test_starts_that_cannot_work_leave_no_folder(
    a_data_set: Callable[..., Path], a_model_folder: Path, tmp_path: Path
) -> None:
    data, out = a_data_set(), tmp_path / "model"
    settings = TrainingSettings(steps=1, batch_size=2, stages=((1.0, 64),))
    with pytest.raises(MedCLIPSegError, match="inputs of 32 pixels"):
        train([data], out, dataclasses.replace(settings, freeze_towers=True), start_from=a_model_folder)
    with pytest.raises(MedCLIPSegError, match="no model 'maxi'"):
        train([data], out, settings, start_from="maxi")
    with pytest.raises(MedCLIPSegError, match="Frozen towers"):
        train([data], out, dataclasses.replace(settings, freeze_towers=True))
    with pytest.raises(MedCLIPSegError, match="same name"):
        train([data, data], out, settings)
    assert not out.exists()


def test_a_resumed_run_keeps_the_record_it_was_begun_with(
    a_data_set: Callable[..., Path], a_model_folder: Path, tmp_path: Path
) -> None:
    settings = TrainingSettings(steps=4, batch_size=2, stages=((1.0, 32),), validate_every=2, freeze_towers=True)
    data = [a_data_set()]
    with pytest.raises(Killed):
        train(data, tmp_path / "model", settings, start_from=a_model_folder, progress=kill_after(3))
    folder = train(data, tmp_path / "model", settings, resume=True)
    record = json.loads((folder / "training.json").read_text())
    assert record["start_from"] == str(a_model_folder)
    assert record["seconds"] > 0
    with pytest.raises(MedCLIPSegError, match="other data"):
        train([a_data_set("others")], folder, settings, resume=True)
    with pytest.raises(MedCLIPSegError, match="leave out --start-from"):
        train(data, folder, settings, start_from=a_model_folder, resume=True)
