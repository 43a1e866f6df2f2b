"""Training of the U-Net without text: MedCLIP-SAM's weak stage, and the baseline of the paper's tables."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from MedCLIPSegLogic.files.replacing import write_json
from MedCLIPSegLogic.model.catalog import CONFIG_FILE, WEIGHTS_FILE
from MedCLIPSegLogic.model.checkpoint import save_weights

from .data import TrainingSet
from .processes import Processes, join_processes
from .request import TRAINING_RUN, begun_settings
from .running import describe_run, load_sets
from .settings import LossWeights, TrainingSettings
from .text_free_unet import TextFreeUNet, UNetConfig, no_tokens
from .trainer import Trainer, TrainingProgress

PACE_STEPS = 12


def unet_settings(settings: TrainingSettings) -> TrainingSettings:
    """The same run for a network without text: data, changes of the picture and optimizer stay."""
    return dataclasses.replace(
        settings,
        prompts="as-given",
        styles=None,
        composition=None,
        negative_share=0.0,
        freeze_towers=False,
        loss=LossWeights(settings.loss.dice, settings.loss.cross_entropy, contrast=0.0),
    )


def train_unet(
    data: Sequence[Path],
    folder: Path,
    settings: TrainingSettings,
    channels: tuple[int, ...],
    resume: bool,
    progress: Callable[[TrainingProgress], None],
    seconds: float | None = None,
) -> None:
    """Train a U-Net on data sets, with the first prompt's mask of each image.

    Args:
        data: data set folders.
        folder: to write; as that of a model, with its record.
        settings: from :func:`unet_settings`.
        channels: of its levels.
        resume: go on with the interrupted run in the folder.
        progress: called after every step.
        seconds: that it gets, by a measured number of steps; None for the steps of the settings.
    """
    size = settings.stages[-1][1]
    with join_processes(settings.device) as processes:
        train_sets, validation = (list(map(_first_targets, sets)) for sets in load_sets(data, settings))
        config = UNetConfig(size, channels)
        if resume:
            settings = begun_settings(folder)
        elif seconds is not None:
            settings = _within_seconds(settings, seconds, train_sets, config, processes)
        torch.manual_seed(settings.seed)
        trainer, parameters = _trainer(config, train_sets, validation, settings, folder, processes)
        record = {**describe_run(train_sets, settings), "parameters": parameters}
        if not resume:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / CONFIG_FILE, dataclasses.asdict(config))
            TRAINING_RUN.write(folder, record)
        trainer.train(record, resume, progress)


def _first_targets(training_set: TrainingSet) -> TrainingSet:
    """Without text there is one answer per image: the mask of its first prompt."""
    items = tuple(dataclasses.replace(item, targets=item.targets[:1]) for item in training_set.items)
    return dataclasses.replace(training_set, items=items)


def _trainer(
    config: UNetConfig,
    train_sets: Sequence[TrainingSet],
    validation: Sequence[TrainingSet],
    settings: TrainingSettings,
    folder: Path,
    processes: Processes,
) -> tuple[Trainer, int]:
    """The trainer of a new network, and the number of the network's parameters."""
    network = TextFreeUNet(config)

    def save(states: dict[str, torch.Tensor], target: Path) -> None:
        save_weights(states, target / WEIGHTS_FILE, half=True)
        write_json(target / CONFIG_FILE, dataclasses.asdict(config))

    trainer = Trainer(network, no_tokens, train_sets, validation, settings, folder, processes, save)
    return trainer, sum(parameter.numel() for parameter in network.parameters())


def _within_seconds(
    settings: TrainingSettings,
    seconds: float,
    train_sets: Sequence[TrainingSet],
    config: UNetConfig,
    processes: Processes,
) -> TrainingSettings:
    """Settings with as many steps as fit into a time, by the pace of a few steps over all stages."""
    fields: dict[str, Any] = {"epochs": None, "schedule": "warm-up-cosine", "tensorboard": False}
    trial = dataclasses.replace(settings, **fields, steps=PACE_STEPS, validate_every=PACE_STEPS)
    with tempfile.TemporaryDirectory() as scratch:
        steps = _trainer(config, train_sets, [], trial, Path(scratch), processes)[0].run()
        next(steps)
        started = time.monotonic()
        for _ in range(PACE_STEPS - 2):
            next(steps)
        pace = (time.monotonic() - started) / (PACE_STEPS - 2)
        steps.close()
    count = max(1, round(seconds / pace))
    every = settings.validate_every or max(1, count // 10)
    return dataclasses.replace(settings, **fields, steps=count, validate_every=every)
