"""Cyclical learning rate of MedCLIP-SAMv2's nnU-Net, and the epochs whose weights are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from MedCLIPSegLogic.errors import MedCLIPSegError

Schedule = Literal["cyclic", "released"]
SNAPSHOTS_FOLDER = "snapshots"
INITIAL_RATE = 0.01
RESTART_RATE = 0.1
POWER = 0.9
DECAY_SHARE: dict[Schedule, float] = {"cyclic": 0.8, "released": 0.5}
"""Part of a cycle in which the rate falls; it then stays."""


@dataclass(frozen=True)
class CyclicTraining:
    """How long nnU-Net is trained, and what is kept; the published values by default.

    Args:
        epochs: a multiple of ``cycles``.
        cycles: how often the learning rate restarts.
        iterations: optimizer steps an epoch.
        validation_iterations: batches an epoch on which the Dice of the pseudo-masks is told.
        schedule: of the learning rate, see :func:`cyclic_learning_rate`.
        kept: last epochs of each cycle whose weights form the ensemble.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    epochs: int = 600
    cycles: int = 3
    iterations: int = 250
    validation_iterations: int = 50
    schedule: Schedule = "cyclic"
    kept: int = 10

    def __post_init__(self) -> None:
        for name in ("epochs", "cycles", "iterations", "validation_iterations", "kept"):
            value = getattr(self, name)
            if value < 1:
                raise MedCLIPSegError(f"The number of {name.replace('_', ' ')} is {value}; it must be at least 1.")
        if self.epochs % self.cycles:
            raise MedCLIPSegError(
                f"The {self.epochs} epochs cannot be cut into {self.cycles} cycles of one length; give a multiple of "
                f"{self.cycles}."
            )

    def learning_rate(self, epoch: int) -> float:
        """Of an epoch, counted from 0."""
        return cyclic_learning_rate(epoch, self.epochs, self.cycles, self.schedule)

    @property
    def kept_epochs(self) -> list[int]:
        """Epochs of the ensemble, counted from 0."""
        return kept_epochs(self.epochs, self.cycles, self.kept)


def cyclic_learning_rate(
    epoch: int, epochs: int, cycles: int, schedule: Schedule = "cyclic", decay_share: float | None = None
) -> float:
    """Learning rate of an epoch, counted from 0.

    With T epochs a cycle and t = epoch mod T, "cyclic" (Zhao et al., MICCAI 2022, as MedCLIP-SAMv2 cites it) restarts
    with 0.1 for one epoch, t = 0, then is 0.01 · (1 − min(t, γT) / T)^0.9. "released" is the schedule of
    MedCLIP-SAMv2's code, which restarts with 0.01 and divides by all epochs instead of T, so that it hardly cycles.

    Args:
        epoch: 0 … epochs − 1.
        epochs: of the whole training, a multiple of ``cycles``.
        cycles: how often the rate restarts.
        schedule: which one.
        decay_share: γ; None for 0.8, or for 0.5 with "released", the default of its command.
    """
    length = epochs // cycles
    within = epoch % length
    if within == 0:
        return RESTART_RATE if schedule == "cyclic" else INITIAL_RATE
    share = DECAY_SHARE[schedule] if decay_share is None else decay_share
    return INITIAL_RATE * (1 - min(within, share * length) / (length if schedule == "cyclic" else epochs)) ** POWER


def kept_epochs(epochs: int, cycles: int, last: int) -> list[int]:
    """The last epochs of each cycle, counted from 0; all of them where cycles are shorter."""
    length = epochs // cycles
    return [start + n for start in range(0, epochs, length) for n in range(max(0, length - last), length)]


def snapshot_path(folder: Path, epoch: int) -> Path:
    """Where the weights of an epoch, counted from 0, lie in the folder of a training."""
    return folder / SNAPSHOTS_FOLDER / f"epoch_{epoch + 1:04d}.safetensors"
