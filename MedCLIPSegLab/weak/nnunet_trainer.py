"""nnU-Net's trainer with a cyclical learning rate that keeps the weights of an ensemble (MedCLIP-SAMv2).

Needs the package nnunetv2; nothing else imports this at its beginning.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from safetensors.torch import save_file
from torch import nn

from MedCLIPSegLogic.files.replacing import replacing

from ..training.state import load_state, save_state
from .settings import CyclicTraining, snapshot_path

SAVE_EVERY = 10
"""Epochs between two states from which the training can go on."""
BEST_CHECKPOINT = "checkpoint_best.pth"
EpochReport = Callable[[int, float, float], None]
"""Takes the number of an epoch, from 1, its loss and the Dice with the pseudo-masks."""


STATE_PARTS = {"epoch": int, "best": object, "log": object, "scaler": object}


class CyclicTrainer(nnUNetTrainer):
    """nnU-Net's trainer; :meth:`follow` must be called before it runs.

    States and weights are safetensors files instead of nnU-Net's pickled checkpoints.
    """

    training: CyclicTraining
    on_epoch: EpochReport

    def follow(self, training: CyclicTraining, on_epoch: EpochReport) -> None:
        """Take over length and schedule.

        Args:
            training: how long, at which rates, what to keep.
            on_epoch: called after every epoch.
        """
        self.training, self.on_epoch = training, on_epoch
        self.num_epochs = training.epochs
        self.num_iterations_per_epoch = training.iterations
        self.num_val_iterations_per_epoch = training.validation_iterations
        self.save_every = SAVE_EVERY

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, Any]:
        """nnU-Net's optimizer (SGD, Nesterov momentum 0.99, weight decay 3e-5) with the cyclical rate."""
        optimizer, _ = super().configure_optimizers()
        return optimizer, CyclicScheduler(optimizer, self.training)

    def on_epoch_end(self) -> None:
        """Keep the weights if the epoch is one of the ensemble's, then do what nnU-Net does."""
        epoch = self.current_epoch
        # Before the state is saved, so that a run that goes on from it has the weights of all epochs before.
        if epoch in self.training.kept_epochs:
            self._keep(epoch)
        super().on_epoch_end()
        losses, dice = (self.logger.get_value(name, step=-1) for name in ("train_losses", "mean_fg_dice"))
        self.on_epoch(epoch + 1, float(losses), float(dice))

    def save_checkpoint(self, filename: str) -> None:
        """Save the state; the epoch with the best Dice with pseudo-masks is of no use to the ensemble."""
        if Path(filename).name == BEST_CHECKPOINT:
            return
        best = self._best_ema
        record = {
            "epoch": self.current_epoch + 1,
            "best": None if best is None else float(best),
            "log": json.loads(json.dumps(self.logger.get_checkpoint(), default=float)),
            "scaler": self.grad_scaler.state_dict() if self.grad_scaler is not None else None,
        }
        save_state(Path(self.output_folder), self._plain_network, None, self.optimizer, record)

    def resume(self) -> None:
        """Go on after the epoch of the saved state; the order of the images is another one than without a break.

        Raises:
            MedCLIPSegError: there is no state, or it is damaged.
        """
        if not self.was_initialized:
            self.initialize()
        record = load_state(Path(self.output_folder), self._plain_network, None, self.optimizer, STATE_PARTS)
        self.current_epoch, self._best_ema = record["epoch"], record["best"]
        self.logger.load_checkpoint(record["log"])
        if self.grad_scaler is not None and record["scaler"] is not None:
            self.grad_scaler.load_state_dict(record["scaler"])

    @property
    def _plain_network(self) -> nn.Module:
        """The network without the wrapper of torch.compile."""
        return cast(nn.Module, getattr(self.network, "_orig_mod", self.network))

    def _keep(self, epoch: int) -> None:
        path = snapshot_path(Path(self.output_folder), epoch)
        path.parent.mkdir(exist_ok=True)
        axes = self.inference_allowed_mirroring_axes
        tensors = {name: t.detach().cpu().clone() for name, t in self._plain_network.state_dict().items()}
        with replacing(path) as temporary:
            save_file(tensors, temporary, {"mirroring_axes": json.dumps(None if axes is None else list(axes))})


class CyclicScheduler:
    """Sets the learning rate of an epoch; what nnU-Net calls of a scheduler.

    Args:
        optimizer: whose rate is set.
        training: tells the rates.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, training: CyclicTraining) -> None:
        self._optimizer, self._training = optimizer, training

    def step(self, epoch: int) -> None:
        """Begin an epoch, counted from 0."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._training.learning_rate(epoch)
