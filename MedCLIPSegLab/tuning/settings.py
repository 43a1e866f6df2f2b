"""Settings of a tuning of CLIP towers; recorded with the model. Read without loading torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked, from_json
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.request import Threads


@checked
@dataclass(frozen=True)
class TuningSettings:
    """How to tune; the defaults are those of the papers, and where they are silent what follows from their code.

    Published (arXiv 2409.19483): batch size, learning rate, its decay by half, temperature, both betas, validation
    share, shortest caption. Not published: optimizer, interval of the decay, epochs and patience.

    The fields say themselves what they are; ``medclipseg clip-tune --help`` prints it.
    """

    batch_size: Annotated[int, Field(ge=2, description="Pairs told from each other in a step.")] = 64
    parts: Annotated[
        int,
        Field(
            ge=1,
            title="number of parts",
            description="Parts in which they are computed, to save memory; the loss still compares all.",
        ),
    ] = 1
    epochs: Annotated[int, Field(ge=1, title="number of epochs", description="Most passes over the pairs.")] = 20
    patience: Annotated[int, Field(ge=1, description="Epochs without better retrieval after which it ends.")] = 3
    learning_rate: Annotated[
        float, Field(gt=0, description="Of AdamW in the first epoch. Small models need far more.")
    ] = 1e-6
    decay: Annotated[
        float,
        Field(
            gt=0, le=1, title="decay of the learning rate", description="Factor of the learning rate after every epoch."
        ),
    ] = 0.5
    weight_decay: Annotated[float, Field(ge=0, description="Of matrices; biases and norms have none.")] = 0.1
    temperature: Annotated[float, Field(gt=0, description="By which similarities are divided.")] = 0.6
    beta_image: Annotated[
        float, Field(ge=0, title="beta of the images", description="Hardness of captions an image is told from.")
    ] = 0.15
    beta_text: Annotated[
        float, Field(ge=0, title="beta of the texts", description="Hardness of images a caption is told from.")
    ] = 0.15
    reduction: Annotated[Literal["mean", "sum"], Field(description="Of the loss over a batch.")] = "mean"
    validation_share: Annotated[
        float, Field(gt=0, lt=1, description="Share of the images kept for validation, without --validation.")
    ] = 0.15
    min_caption: Annotated[
        int,
        Field(ge=1, title="shortest caption", description="Characters below which a caption is dropped, once cleaned."),
    ] = 20
    precision: Annotated[Literal["float32", "bfloat16"], Field(description="Number format.")] = "float32"
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to tune.")] = "auto"
    seed: Annotated[int, Field(ge=0, description="The same seed gives the same run.")] = 0
    save_every: Annotated[
        int,
        Field(
            ge=1,
            title="number of steps between two saves",
            description="Steps after which an interrupted run can go on.",
        ),
    ] = 100
    threads: Threads = "auto"

    def __post_init__(self) -> None:
        if self.parts > self.batch_size:
            raise MedCLIPSegError(
                f"The number of parts is {self.parts}; it must be at most the batch size, {self.batch_size}."
            )

    def changed(self, changes: Mapping[str, Any]) -> TuningSettings:
        """Settings with some fields replaced by values as JSON holds them.

        Raises:
            MedCLIPSegError: a field is unknown, of the wrong kind or out of range.
        """
        return from_json(TuningSettings, {**dataclasses.asdict(self), **changes})
