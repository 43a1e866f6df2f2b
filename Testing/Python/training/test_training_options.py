"""Recipes and options of a run, each on a short real run."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from full_disk import full_disk
from model_saving import save_checkpoint
from PIL import Image
from safetensors.torch import load_file

from MedCLIPSegLab.training import trainer as trainer_module
from MedCLIPSegLab.training.augment import rotate
from MedCLIPSegLab.training.data import TrainingItem, load_set
from MedCLIPSegLab.training.optimization import learning_rate
from MedCLIPSegLab.training.processes import Processes, rows_in_parts
from MedCLIPSegLab.training.recipes import recipe_settings
from MedCLIPSegLab.training.request import training_settings
from MedCLIPSegLab.training.sampler import BatchSampler
from MedCLIPSegLab.training.settings import LossWeights, TrainingSettings
from MedCLIPSegLab.training.train import train
from MedCLIPSegLab.training.trainer import TrainingProgress
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.config import AdapterConfig, ImageTowerConfig, ModelConfig, PreprocessingConfig
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.model.network import MedCLIPSeg

SHORT = TrainingSettings(steps=4, batch_size=2, stages=((1.0, 32),), validate_every=2)
DataSet = Callable[..., Path]


@pytest.fixture(autouse=True)
def few_threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def a_clip_folder(a_config: ModelConfig, a_model_folder: Path) -> Path:
    """A model laid out as the published ones: plain vision transformer, published head, BGR without low-pass."""
    image = ImageTowerConfig(kind="vit", image_size=32, patch_size=16, width=24, layers=3, heads=2)
    config = dataclasses.replace(
        a_config,
        image=image,
        adapter=AdapterConfig(width=8, fusion_layers=(1, 2)),
        head=type(a_config.head)(),
        preprocessing=PreprocessingConfig(),
    )
    folder = a_model_folder.parent / "clip"
    folder.mkdir()
    torch.manual_seed(5)
    save_checkpoint(MedCLIPSeg(config), folder)
    shutil.copy(a_model_folder / "vocab.txt", folder)
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_recipe_follows_the_size_of_the_model(a_clip_folder: Path) -> None:
    assert recipe_settings("auto", None).styles is not None
    assert recipe_settings("auto", a_clip_folder).epochs is None
    config = json.loads((a_clip_folder / "config.json").read_text())
    config["image"]["width"] = 768
    (a_clip_folder / "config.json").write_text(json.dumps(config))
    published = recipe_settings("auto", a_clip_folder)
    assert (published.optimizer, published.epochs, published.batch_size, published.freeze_towers) == (
        "adam",
        100,
        24,
        True,
    )
    assert (published.learning_rate, published.final_learning_rate) == (3e-4, 1e-4)
    assert published.loss == LossWeights(0.5, 0.5, 0.1)
    assert (published.dice, published.keep, published.seed) == ("per-image", "latest", 666)


def test_the_published_schedule_is_torchs_cosine_by_epoch() -> None:
    settings = dataclasses.replace(recipe_settings("published", None), epochs=7)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter], lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 7, eta_min=settings.final_learning_rate)
    for step in range(7 * 3):
        assert learning_rate(step, 21, settings) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
        if step % 3 == 2:
            optimizer.step()
            schedule.step()


def test_the_published_recipe_trains_adapters_and_leaves_the_rest(
    a_data_set: DataSet, a_clip_folder: Path, tmp_path: Path
) -> None:
    settings = training_settings(None, "published", a_clip_folder, None, {"epochs": 3, "batch_size": 4})
    folder = train([a_data_set()], tmp_path / "tuned", settings, start_from=a_clip_folder)
    assert [float(row["step"]) for row in rows(folder)] == [2, 4, 6]  # 6 pairs in batches of 4 and 2
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["best"]
    before, after = (load_file(f / "model.safetensors") for f in (a_clip_folder, folder))
    moved = {name for name, tensor in before.items() if not torch.equal(tensor.half(), after[name])}
    assert moved
    assert all(name.startswith(("pvl_adapters.", "upscale.", "mask_head.")) for name in moved)
    assert not any(name.startswith("average.") for name in load_file(folder / "state.safetensors"))
    assert load_model(folder).config.preprocessing.channel_order == "bgr"


def test_every_pair_comes_once_an_epoch(a_volume_set: Path) -> None:
    data = load_set(a_volume_set, "Train", 32)
    settings = dataclasses.replace(
        recipe_settings("published", None), epochs=2, batch_size=16, stages=((1.0, 32),), freeze_towers=False
    )
    sampler = BatchSampler([data], 32, PreprocessingConfig("rgb"), settings)
    epochs = []
    for first in (0, 4):
        counts = [sampler.row_count(step) for step in range(first, first + 4)]
        assert counts == [16, 16, 16, 6]
        epochs.append([sampler.example(first + s, row)[1] for s, count in enumerate(counts) for row in range(count)])
    assert epochs[0] != epochs[1]
    assert Counter(epochs[0]) == {"all": 18, "lower": 18, "upper": 18}


def test_the_published_augmentation_only_rotates() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[12:20, 28:36] = 1
    item = TrainingItem(np.repeat(mask[..., None] * 200, 3, 2), (("polyp", mask),), True, True)
    angles = []
    for seed in range(80):
        image, moved = rotate(item, mask, 64, np.random.default_rng(seed))
        assert np.array_equal(image[..., 0] > 100, moved > 0) or (image[..., 0] > 100).sum() - moved.sum() < 20
        y, x = (axis.mean() - 31.5 for axis in moved.nonzero())
        assert math.hypot(x, y) == pytest.approx(16, abs=0.7)
        angles.append(math.degrees(math.atan2(x, -y)))
    assert max(map(abs, angles)) < 21.5
    assert 20 < sum(abs(angle) < 0.5 for angle in angles) < 60


@pytest.mark.parametrize("share", [10, 25, 50])
def test_a_share_of_the_data_is_a_sheet_or_a_seeded_draw(a_data_set: DataSet, share: int) -> None:
    folder = a_data_set(count=12)
    drawn = [load_set(folder, "Train", 32, share, seed) for seed in (0, 0, 1)]
    assert [data.image_count for data in drawn] == [round(12 * share / 100)] * 3
    images = [np.stack([item.image for item in data.items]) for data in drawn]
    assert np.array_equal(images[0], images[1])
    assert load_set(folder, "Val", 32, share).image_count == 12
    sheet = folder / "Prompts_Folder" / f"Train_text_{share}.csv"
    sheet.write_text("Image,Description,Ground Truth\n5.png,a polyp,5.png\n")
    assert load_set(folder, "Train", 32, share).prompts == ["a polyp"]


def test_accumulated_parts_make_the_same_step(
    a_data_set: DataSet, a_clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Noise and contrast depend on what else is in the part.
    monkeypatch.setattr(trainer_module, "FreshNoise", lambda: lambda adapter, direction, values: values * 0)
    settings = dataclasses.replace(SHORT, batch_size=6, learning_rate=1e-4, loss=LossWeights(contrast=0))
    data, found = a_data_set(), []
    for parts in (1, 3):
        with_parts = dataclasses.replace(settings, accumulation=parts)
        folder = train([data], tmp_path / str(parts), with_parts, start_from=a_clip_folder)
        found.append((rows(folder), load_file(folder / "state.safetensors")))
    for one, other in zip(found[0][0], found[1][0], strict=True):
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), rel=1e-4)
    for name, tensor in found[0][1].items():
        if name.endswith("exp_avg"):
            assert torch.allclose(tensor, found[1][1][name], rtol=1e-3, atol=1e-6), name


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains_and_continues_identically(
    a_data_set: DataSet, a_model_folder: Path, tmp_path: Path, precision: str
) -> None:
    settings = dataclasses.replace(SHORT, precision=precision)
    data = [a_data_set()]

    def kill(progress: TrainingProgress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    whole = train(data, tmp_path / "whole", settings, start_from=a_model_folder)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "killed", settings, start_from=a_model_folder, progress=kill)
    killed = train(data, tmp_path / "killed", resume=True)
    states = [load_file(folder / "state.safetensors") for folder in (whole, killed)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    assert all(math.isfinite(float(row["loss"])) for row in rows(whole))


def test_best_latest_and_average_weights_lie_side_by_side(a_data_set: DataSet, tmp_path: Path) -> None:
    folder = train([a_data_set()], tmp_path / "model", dataclasses.replace(SHORT, keep="best"))
    state = load_file(folder / "state.safetensors")
    for kind, prefix in (("latest", "network."), ("average", "average.module.")):
        model = load_model(folder / kind).network.state_dict()
        for name, tensor in model.items():
            assert torch.equal(tensor.half(), state[prefix + name].half()), name
    scores = [float(row["dice_mean"]) for row in rows(folder)]
    last_is_best = scores[-1] > max(scores[:-1])
    kept, average = (load_file(f / "model.safetensors") for f in (folder, folder / "average"))
    assert all(torch.equal(kept[name], average[name]) for name in kept) == last_is_best


def test_a_run_without_progress_ends_early(
    a_data_set: DataSet, a_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.6, 0.6, 0.4, 0.9])
    monkeypatch.setattr(trainer_module, "validate", lambda *_: {"dice_mean": next(scores)})
    settings = dataclasses.replace(SHORT, steps=10, patience=2)
    folder = train([a_data_set()], tmp_path / "model", settings, start_from=a_model_folder)
    assert [float(row["dice_mean"]) for row in rows(folder)] == [0.5, 0.6, 0.6, 0.4]
    record = json.loads((folder / "training.json").read_text())
    assert (record["finished"], record["steps_done"]) == (True, 8)


def test_tensorboard_reads_the_log(a_data_set: DataSet, a_model_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = dataclasses.replace(SHORT, tensorboard=True)
    folder = train([a_data_set()], tmp_path / "model", settings, start_from=a_model_folder)
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    found = [(event.step, event.value) for event in events.Scalars("dice/mean")]
    assert found == [(float(row["step"]), pytest.approx(float(row["dice_mean"]))) for row in rows(folder)]


def test_a_full_disk_keeps_the_last_good_weights(
    a_data_set: DataSet, a_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = [a_data_set()], tmp_path / "model"
    original, saves = trainer_module.save_kept_weights, []

    def on_a_full_disk(*arguments: object) -> None:
        saves.append(1)
        if len(saves) == 2:
            with full_disk():
                original(*arguments)
        original(*arguments)

    monkeypatch.setattr(trainer_module, "save_kept_weights", on_a_full_disk)
    with pytest.raises(MedCLIPSegError, match=r"vocab.txt cannot be written .*is left as it was"):
        train(data, out, SHORT, start_from=a_model_folder)
    assert load_model(out)
    assert not list(out.rglob("*.part"))
    resumed = train(data, out, resume=True)
    whole = train(data, tmp_path / "whole", SHORT, start_from=a_model_folder)
    states = [load_file(folder / "state.safetensors") for folder in (whole, resumed)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_loss_that_is_no_number_ends_the_run(a_data_set: DataSet, a_model_folder: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SHORT, learning_rate=1e30, clip_norm=None)
    with pytest.raises(MedCLIPSegError, match=r"loss of step \d+ is not a number; lower the learning rate"):
        train([a_data_set()], tmp_path / "model", settings, start_from=a_model_folder)


def spoil(folder: Path, damage: str) -> str:
    image, label = folder / "Train_Folder" / "img" / "3.png", folder / "Train_Folder" / "label" / "3.png"
    sheet = folder / "Prompts_Folder" / "Train_text.xlsx"
    if damage == "corrupt image":
        image.write_bytes(image.read_bytes()[:200])
        return "3.png"
    if damage == "size":
        Image.new("L", (20, 20)).save(label)
        return "3.png has 20 x 20"
    if damage == "one class":
        for path in label.parent.iterdir():
            Image.new("L", (48, 48)).save(path)
        return "label are empty"
    sheet.unlink()
    text = {"empty sheet": "Image,Description,Ground Truth\n", "columns": "Picture,Text\n3.png,polyp\n"}[damage]
    sheet.with_suffix(".csv").write_text(text)
    return {"empty sheet": "holds no prompt", "columns": "nothing in the column 'Image'"}[damage]


@pytest.mark.parametrize("damage", ["corrupt image", "size", "one class", "empty sheet", "columns"])
def test_bad_data_is_named_before_anything_is_written(a_data_set: DataSet, tmp_path: Path, damage: str) -> None:
    folder = a_data_set()
    words = spoil(folder, damage)
    with pytest.raises(MedCLIPSegError) as refusal:
        train([folder], tmp_path / "model", SHORT)
    assert words in str(refusal.value)
    assert str(folder) in str(refusal.value)
    assert not (tmp_path / "model").exists()


def test_settings_come_from_recipe_file_and_options(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("stages = [[1.0, 64]]\nstyles = { short = 0.4 }\ncomposition = { mosaics = 0.3 }\nsteps = 9\n")
    settings = training_settings(None, "small", None, file, {"steps": 7, "loss": {"place": 0.2}})
    assert (settings.stages, settings.steps, settings.loss.place, settings.loss.auxiliary) == (
        ((1.0, 64),),
        7,
        0.2,
        0.3,
    )
    assert settings.styles is not None
    assert (settings.styles.short, settings.styles.synonyms) == (0.4, 0.1)
    file.write_text("stepps = 3")
    with pytest.raises(MedCLIPSegError, match=r"settings\.toml: The setting 'stepps' is unknown"):
        training_settings(None, "small", None, file)


def test_settings_that_do_not_fit_are_named() -> None:
    for change, words in [
        ({"ema_decay": 0.0}, "running average"),
        ({"schedule": "epoch-cosine"}, "epochs"),
        ({"accumulation": 9}, "accumulation is 9"),
        ({"data_share": 0}, "data share is 0"),
        ({"final_learning_rate": 1.0}, "final learning rate"),
        ({"patience": 0}, "patience"),
    ]:
        with pytest.raises(MedCLIPSegError, match=words):
            TrainingSettings(**change)


def test_processes_share_a_batch_without_leaving_a_row_out() -> None:
    device = torch.device("cpu")
    shares = [Processes(rank, 3, device).own_rows(8) for rank in range(3)]
    assert [len(share) for share in shares] == [3, 3, 3]
    assert {row for share in shares for row in share} == set(range(8))
    assert rows_in_parts(range(5), 2) == [[0, 1], [2, 3, 4]]
    assert rows_in_parts(range(2), 4) == [[0], [1]]
