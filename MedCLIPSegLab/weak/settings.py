"""Settings of a weakly supervised run, and the learning rate and ensemble of MedCLIP-SAMv2's nnU-Net.

Read without loading torch.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.request import Threads

if TYPE_CHECKING:
    from ..training.settings import TrainingSettings

MAY_CHANGE = {"device", "threads", "workers"}
"""Settings that do not belong to the result."""
Schedule = Literal["cyclic", "released"]
SNAPSHOTS_FOLDER = "snapshots"
INITIAL_RATE = 0.01
RESTART_RATE = 0.1
POWER = 0.9
DECAY_SHARE: dict[Schedule, float] = {"cyclic": 0.8, "released": 0.5}
"""Part of a cycle in which the rate falls; it then stays."""


@checked
@dataclass(frozen=True)
class CyclicTraining:
    """How long nnU-Net is trained, and what is kept; the published values by default.

    Args:
        epochs: a multiple of ``cycles``.
        cycles: how often the learning rate restarts.
        iterations: optimizer steps an epoch.
        validation_iterations: batches an epoch on which the Dice of the pseudo-masks is told.
        schedule: of the learning rate, see :meth:`learning_rate`.
        kept: last epochs of each cycle whose weights form the ensemble.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    epochs: Annotated[int, Field(ge=1, title="number of epochs")] = 600
    cycles: Annotated[int, Field(ge=1, title="number of cycles")] = 3
    iterations: Annotated[int, Field(ge=1, title="number of iterations")] = 250
    validation_iterations: Annotated[int, Field(ge=1, title="number of validation iterations")] = 50
    schedule: Schedule = "cyclic"
    kept: Annotated[int, Field(ge=1, title="number of kept")] = 10

    def __post_init__(self) -> None:
        if self.epochs % self.cycles:
            raise MedCLIPSegError(
                f"The {self.epochs} epochs cannot be cut into {self.cycles} cycles of one length; give a multiple of "
                f"{self.cycles}."
            )

    def learning_rate(self, epoch: int) -> float:
        """Of an epoch, counted from 0.

        With T epochs a cycle and t = epoch mod T, "cyclic" (Zhao et al., MICCAI 2022, as MedCLIP-SAMv2 cites it)
        restarts with 0.1 for one epoch, t = 0, then is 0.01 · (1 − min(t, 0.8 T) / T)^0.9. "released" is the schedule
        of MedCLIP-SAMv2's code, which restarts with 0.01, stays from 0.5 T on, the default of its command, and divides
        by all epochs instead of T, so that it hardly cycles.
        """
        length = self.epochs // self.cycles
        within, cyclic = epoch % length, self.schedule == "cyclic"
        if within == 0:
            return RESTART_RATE if cyclic else INITIAL_RATE
        falling = min(within, DECAY_SHARE[self.schedule] * length)
        return INITIAL_RATE * (1 - falling / (length if cyclic else self.epochs)) ** POWER

    @property
    def kept_epochs(self) -> list[int]:
        """Epochs of the ensemble, counted from 0: the last ones of each cycle, all of them where cycles are shorter."""
        length = self.epochs // self.cycles
        last = range(max(0, length - self.kept), length)
        return [start + n for start in range(0, self.epochs, length) for n in last]


def snapshot_path(folder: Path, epoch: int) -> Path:
    """Where the weights of an epoch, counted from 0, lie in the folder of a training."""
    return folder / SNAPSHOTS_FOLDER / f"epoch_{epoch + 1:04d}.safetensors"


@checked
@dataclass(frozen=True)
class WeakSettings:
    """How pseudo-masks become a trained network; None for what the method was published with.

    "medclip-sam" trains a residual U-Net, "medclip-sam-v2" nnU-Net. The fields say themselves what they are;
    ``medclipseg weak --help`` prints it.

    Raises:
        MedCLIPSegError: a value is out of range, or is none of the method's.
    """

    method: Annotated[
        Literal["medclip-sam", "medclip-sam-v2"],
        Field(description='medclip-sam: residual U-Net; medclip-sam-v2: nnU-Net (pip install "medclipseg[weak]").'),
    ] = "medclip-sam-v2"
    epochs: Annotated[
        int | None, Field(ge=1, title="number of epochs", description="100 with medclip-sam, 600 with medclip-sam-v2.")
    ] = None
    batch_size: Annotated[int | None, Field(ge=2, description="medclip-sam: images per step, 16.")] = None
    learning_rate: Annotated[float | None, Field(gt=0, description="medclip-sam: of Adam, 0.0001.")] = None
    cycles: Annotated[
        int | None, Field(ge=1, title="number of cycles", description="medclip-sam-v2: cycles of the learning rate, 3.")
    ] = None
    iterations: Annotated[
        int | None, Field(ge=1, title="number of iterations", description="medclip-sam-v2: steps per epoch, 250.")
    ] = None
    schedule: Annotated[
        Schedule | None,
        Field(
            description="medclip-sam-v2: cyclic restarts with 0.1 and falls within each cycle; released is that of the "
            "published code, which hardly cycles."
        ),
    ] = None
    image_size: Annotated[int, Field(ge=32, description="Side of the images the network sees, in pixels.")] = 256
    threshold: Annotated[float, Field(gt=0, lt=1, description="Probability above which a pixel is inside.")] = 0.5
    leave_out_empty: Annotated[bool, Field(description="Do not train on images in which nothing was found.")] = False
    seed: Annotated[int, Field(ge=0, description="Of everything random.")] = 0
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to compute.")] = "auto"
    threads: Threads = "auto"
    workers: Annotated[
        int,
        Field(
            ge=0,
            title="number of workers",
            description="medclip-sam-v2: processes that prepare data; with 0 the main process does.",
        ),
    ] = 4

    def __post_init__(self) -> None:
        others = ("cycles", "iterations", "schedule") if self.trains_unet else ("batch_size", "learning_rate")
        for name in others:
            if getattr(self, name) is not None:
                other = "medclip-sam-v2" if self.trains_unet else "medclip-sam"
                raise MedCLIPSegError(
                    f"--{name.replace('_', '-')} belongs to the method {other}; leave it out with {self.method}."
                )
        if not self.trains_unet:
            self.cyclic_training()
        elif self.image_size % 16:
            raise MedCLIPSegError(f"The image size is {self.image_size}; the U-Net needs a multiple of 16 pixels.")

    @property
    def trains_unet(self) -> bool:
        """True for the U-Net, False for nnU-Net."""
        return self.method == "medclip-sam"

    def unet_settings(self) -> TrainingSettings:
        """Settings of the U-Net's training, with Adam at a constant rate; the paper states loss and network alone."""
        from ..training.settings import LossWeights, TrainingSettings
        from ..training.unet_training import unet_settings

        rate = self.learning_rate or 1e-4
        return unet_settings(
            TrainingSettings(
                epochs=self.epochs or 100,
                batch_size=self.batch_size or 16,
                stages=((1.0, self.image_size),),
                optimizer="adam",
                schedule="epoch-cosine",
                learning_rate=rate,
                final_learning_rate=rate,
                weight_decay=0.0,
                clip_norm=None,
                ema_decay=0.0,
                keep="latest",
                loss=LossWeights(dice=1.0, cross_entropy=1.0),
                validate_every=None,
                device=self.device,
                seed=self.seed,
            )
        )

    def cyclic_training(self) -> CyclicTraining:
        """Length and schedule of nnU-Net's training."""
        given = {name: getattr(self, name) for name in ("epochs", "cycles", "iterations", "schedule")}
        return CyclicTraining(**{name: value for name, value in given.items() if value is not None})


def require_nnunet() -> None:
    """Refuse to begin without nnU-Net.

    Raises:
        MedCLIPSegError: it is not installed.
    """
    if importlib.util.find_spec("nnunetv2") is None:
        raise MedCLIPSegError(
            'MedCLIP-SAMv2 trains nnU-Net, which is not installed; install it with pip install "medclipseg[weak]", '
            "or choose --method medclip-sam."
        )
