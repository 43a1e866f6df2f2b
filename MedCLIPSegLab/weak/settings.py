"""Settings of a weakly supervised run. Read without loading torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked
from MedCLIPSegLogic.errors import MedCLIPSegError

from .schedule import CyclicTraining, Schedule

if TYPE_CHECKING:
    from ..training.settings import TrainingSettings

MAY_CHANGE = {"device", "workers"}
"""Settings that do not belong to the result."""


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
        int | None,
        Field(ge=1, title="number of epochs", description="100 with medclip-sam, 600 with medclip-sam-v2."),
    ] = None
    batch_size: Annotated[int | None, Field(ge=2, description="medclip-sam: images per step, 16.")] = None
    learning_rate: Annotated[float | None, Field(gt=0, description="medclip-sam: of Adam, 0.0001.")] = None
    cycles: Annotated[
        int | None,
        Field(ge=1, title="number of cycles", description="medclip-sam-v2: cycles of the learning rate, 3."),
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
        """Settings of the U-Net's training."""
        from .unet import unet_settings

        return unet_settings(
            image_size=self.image_size,
            device=self.device,
            seed=self.seed,
            **self._given("epochs", "batch_size", "learning_rate"),
        )

    def cyclic_training(self) -> CyclicTraining:
        """Length and schedule of nnU-Net's training."""
        return CyclicTraining(**self._given("epochs", "cycles", "iterations", "schedule"))

    def _given(self, *names: str) -> dict[str, Any]:
        return {name: value for name in names if (value := getattr(self, name)) is not None}
