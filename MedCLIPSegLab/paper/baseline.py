"""Training and scoring of the U-Net without text."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.model.checkpoint import save_config
from MedCLIPSegLogic.model.config import ModelConfig
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer
from MedCLIPSegLogic.version import __version__
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import PromptSheet
from ..data.truth import read_truth
from ..metrics import dice_score
from ..training.data import TrainingSet, has_split, load_set
from ..training.processes import Processes, join_processes
from ..training.sampler import source_size
from ..training.settings import TrainingSettings, as_json
from ..training.train import begun_settings, read_record, write_record
from ..training.trainer import Trainer, TrainingProgress
from ..training.unet import TextFreeUNet, UNetConfig, baseline_settings, load_unet, no_tokens, slice_probability

__all__ = ["baseline_settings", "train_unet", "unet_dice"]
PACE_STEPS = 12


def train_unet(
    data: Sequence[Path],
    folder: Path,
    settings: TrainingSettings,
    channels: tuple[int, ...],
    resume: bool,
    budget: Path | None,
    progress: Callable[[TrainingProgress], None],
) -> None:
    """Train a U-Net on data sets, with the first prompt's mask of each image.

    Args:
        data: data set folders.
        folder: to write; as that of a model, with its record.
        settings: from :func:`baseline_settings`.
        channels: of its levels.
        resume: go on with the interrupted run in the folder.
        budget: folder of a trained model whose seconds the U-Net gets, by a measured number of steps; None for the
            steps of the settings.
        progress: called after every step.
    """
    size = settings.stages[-1][1]
    with join_processes(settings.device) as processes:
        kept = source_size(settings, max(size for _, size in settings.stages))
        share, seed = settings.data_share, settings.seed
        train_sets = [_first_targets(load_set(entry, "Train", kept, share, seed)) for entry in data]
        with_validation = [entry for entry in data if has_split(entry, "Val")]
        validation = [_first_targets(load_set(entry, "Val", kept, share, seed)) for entry in with_validation]
        if resume:
            settings = begun_settings(folder)
        elif budget is not None:
            settings = _within_seconds(settings, read_record(budget)["seconds"], train_sets, channels, processes)
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        network = TextFreeUNet(UNetConfig(size, channels))
        record = {
            "medclipseg": __version__,
            "finished": False,
            "data": {s.name: {"images": s.image_count, "items": len(s.items)} for s in train_sets},
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "settings": as_json(settings),
        }
        trainer = _trainer(network, train_sets, validation, settings, folder, processes)
        if resume:
            trainer.resume()
        else:
            save_config(cast(ModelConfig, network.config), folder)
            write_record(folder, record)
            trainer.start()
        for step in trainer.run():
            progress(step)
        done = {"seconds": round(trainer.seconds, 1), "steps_done": trainer.last_step, "finished": True}
        write_record(folder, {**record, **done})


def unet_dice(folder: Path, sheet: PromptSheet, limit: int | None) -> float:
    """Mean Dice (0…1) of a trained U-Net on the rows of a prompt sheet, each on its image's own grid.

    Args:
        folder: of the U-Net.
        sheet: whose prompts are not read.
        limit: first rows only; None for all.
    """
    network = load_unet(folder)
    scores = []
    for row in sheet.rows(limit):
        volume = read_volume(sheet.images / row.image)
        truth = read_truth(sheet.labels / row.ground_truth, row.label_values, volume)
        scores.append(dice_score(_predict(network, volume), truth))
    return fmean(scores)


def _predict(network: TextFreeUNet, volume: Volume) -> NDArray[np.bool_]:
    """(K, J, I) mask at 0.5, slice by slice in the default plane."""
    mapping, axis = resolve(default_rule(volume), volume), choose_axis(volume, "auto")
    mask = np.zeros(volume.shape, bool)
    for index in range(axis.count):
        probability = slice_probability(network, mapping.apply(axis.extract(volume.voxels, index)))
        axis.insert(mask, index, probability > 0.5)
    return mask


def _first_targets(training_set: TrainingSet) -> TrainingSet:
    """Without text there is one answer an image: the mask of its first prompt."""
    items = tuple(dataclasses.replace(item, targets=item.targets[:1]) for item in training_set.items)
    return dataclasses.replace(training_set, items=items)


def _trainer(
    network: TextFreeUNet,
    train_sets: Sequence[TrainingSet],
    validation: Sequence[TrainingSet],
    settings: TrainingSettings,
    folder: Path,
    processes: Processes,
) -> Trainer:
    # The U-Net has all that the trainer uses of a network without frozen towers.
    return Trainer(
        cast(MedCLIPSeg, network),
        cast(PromptTokenizer, no_tokens),
        train_sets,
        validation,
        settings,
        folder,
        processes,
    )


def _within_seconds(
    settings: TrainingSettings,
    seconds: float,
    train_sets: Sequence[TrainingSet],
    channels: tuple[int, ...],
    processes: Processes,
) -> TrainingSettings:
    """Settings with as many steps as fit into a time, by the pace of a few steps over all stages."""
    trial = _by_steps(settings, PACE_STEPS, validate_every=PACE_STEPS)
    network = TextFreeUNet(UNetConfig(settings.stages[-1][1], channels))
    with tempfile.TemporaryDirectory() as scratch:
        steps = _trainer(network, train_sets, [], trial, Path(scratch), processes).run()
        next(steps)
        started = time.monotonic()
        for _ in range(PACE_STEPS - 2):
            next(steps)
        pace = (time.monotonic() - started) / (PACE_STEPS - 2)
        steps.close()
    count = max(1, round(seconds / pace))
    return _by_steps(settings, count, settings.validate_every or max(1, count // 10))


def _by_steps(settings: TrainingSettings, steps: int, validate_every: int) -> TrainingSettings:
    return dataclasses.replace(
        settings,
        epochs=None,
        schedule="warm-up-cosine",
        steps=steps,
        validate_every=validate_every,
        tensorboard=False,
    )
