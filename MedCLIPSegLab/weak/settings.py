"""Settings of a weakly supervised run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from MedCLIPSegLogic.clip_sam.methods import METHODS, MethodName
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.request import Device

from . import unet
from .schedule import CyclicTraining, Schedule

MAY_CHANGE = {"device", "workers"}
"""Settings that do not belong to the result."""


@dataclass(frozen=True)
class WeakSettings:
    """How pseudo-masks become a trained network; None for what the method was published with.

    Args:
        method: "medclip-sam" trains a residual U-Net, "medclip-sam-v2" nnU-Net.
        epochs: 100 for the U-Net, 600 for nnU-Net.
        batch_size: of the U-Net; nnU-Net plans its own.
        learning_rate: of the U-Net.
        cycles: of nnU-Net's learning rate, 3.
        iterations: steps of an epoch of nnU-Net, 250.
        schedule: of nnU-Net's learning rate.
        image_size: side of the images the networks see, in pixels.
        threshold: probability above which a pixel is inside, 0…1 exclusive.
        leave_out_empty: do not train on images in which nothing was found.
        seed: of everything random.
        device: where to compute.
        workers: processes that prepare data for nnU-Net; 0 prepares training batches in the main process.

    Raises:
        MedCLIPSegError: a value is out of range, or is none of the method's.
    """

    method: MethodName = "medclip-sam-v2"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    cycles: int | None = None
    iterations: int | None = None
    schedule: Schedule | None = None
    image_size: int = unet.IMAGE_SIZE
    threshold: float = 0.5
    leave_out_empty: bool = False
    seed: int = 0
    device: Device = "auto"
    workers: int = 4

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise MedCLIPSegError(f"There is no method '{self.method}'; choose {' or '.join(METHODS)}.")
        others = ("cycles", "iterations", "schedule") if self.trains_unet else ("batch_size", "learning_rate")
        for name in others:
            if getattr(self, name) is not None:
                other = "medclip-sam-v2" if self.trains_unet else "medclip-sam"
                raise MedCLIPSegError(
                    f"--{name.replace('_', '-')} belongs to the method {other}; leave it out with {self.method}."
                )
        if not 0 < self.threshold < 1:
            raise MedCLIPSegError(f"The threshold is {self.threshold}; it must be between 0 and 1.")
        if self.workers < 0:
            raise MedCLIPSegError(f"The number of workers is {self.workers}; it must be 0 or more.")
        if self.trains_unet:
            self.unet_settings()
        else:
            self.cyclic_training()
            if self.image_size < 32:
                raise MedCLIPSegError(f"The image size is {self.image_size}; nnU-Net needs at least 32 pixels.")

    @property
    def trains_unet(self) -> bool:
        """True for the U-Net, False for nnU-Net."""
        return self.method == "medclip-sam"

    def unet_settings(self) -> unet.TrainingSettings:
        """Settings of the U-Net's training."""
        given = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")}
        return unet.unet_settings(
            image_size=self.image_size,
            device=self.device,
            seed=self.seed,
            **{name: value for name, value in given.items() if value is not None},
        )

    def cyclic_training(self) -> CyclicTraining:
        """Length and schedule of nnU-Net's training."""
        given = {name: getattr(self, name) for name in ("epochs", "cycles", "iterations", "schedule")}
        return dataclasses.replace(CyclicTraining(), **{n: value for n, value in given.items() if value is not None})
