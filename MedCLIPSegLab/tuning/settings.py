"""Settings of a tuning of CLIP towers; recorded with the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.typed_json import dataclass_from_json


@dataclass(frozen=True)
class TuningSettings:
    """How to tune; the defaults are those of the papers, and where they are silent what follows from their code.

    Published (arXiv 2409.19483): batch size, learning rate, its decay by half, temperature, both betas, validation
    share, shortest caption. Not published: optimizer, interval of the decay, epochs and patience.

    Args:
        batch_size: image-caption pairs told from each other in a step.
        parts: in which the towers compute them, one after the other, to save memory; the gradient is the same but for
            the draws of dropout.
        epochs: most passes over the pairs.
        patience: epochs without a better retrieval on the validation pairs after which the run ends.
        learning_rate: of AdamW in the first epoch.
        decay: factor of the learning rate from one epoch to the next.
        weight_decay: of matrices; biases and norms have none.
        temperature: by which cosines are divided.
        beta_image: hardness of the captions an image is told from.
        beta_text: hardness of the images a caption is told from.
        reduction: of the loss over the batch.
        validation_share: of the images, kept for validation when no validation pairs are given.
        min_caption: characters a caption must have after cleaning; shorter ones are dropped.
        precision: number format of the towers' passes.
        device: where to tune; "auto" takes a graphics card when there is one.
        seed: of the split, the order of the pairs, dropout and the shuffles of the retrieval.
        save_every: steps after which an interrupted run can go on, besides the ends of the epochs.
        threads: processor threads; 0 leaves the choice to torch.
    """

    batch_size: int = 64
    parts: int = 1
    epochs: int = 20
    patience: int = 3
    learning_rate: float = 1e-6
    decay: float = 0.5
    weight_decay: float = 0.1
    temperature: float = 0.6
    beta_image: float = 0.15
    beta_text: float = 0.15
    reduction: Literal["mean", "sum"] = "mean"
    validation_share: float = 0.15
    min_caption: int = 20
    precision: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 0
    save_every: int = 100
    threads: int = 0

    def __post_init__(self) -> None:
        _require(self.batch_size >= 2, "batch size", self.batch_size, "at least 2")
        _require(1 <= self.parts <= self.batch_size, "number of parts", self.parts, "between 1 and the batch size")
        _require(self.epochs >= 1, "number of epochs", self.epochs, "at least 1")
        _require(self.patience >= 1, "patience", self.patience, "at least 1")
        _require(0 < self.learning_rate < float("inf"), "learning rate", self.learning_rate, "above 0")
        _require(0 < self.decay <= 1, "decay of the learning rate", self.decay, "above 0 and at most 1")
        _require(0 <= self.weight_decay < float("inf"), "weight decay", self.weight_decay, "0 or more")
        _require(0 < self.temperature < float("inf"), "temperature", self.temperature, "above 0")
        for name, beta in (("beta of the images", self.beta_image), ("beta of the texts", self.beta_text)):
            _require(0 <= beta < float("inf"), name, beta, "0 or more")
        _require(
            0 < self.validation_share < 1, "validation share", self.validation_share, "between 0 and 1, both excluded"
        )
        _require(self.min_caption >= 1, "shortest caption", self.min_caption, "at least 1 character")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        _require(self.save_every >= 1, "number of steps between two saves", self.save_every, "at least 1")
        _require(self.threads >= 0, "number of threads", self.threads, "0 or more")

    def changed(self, changes: Mapping[str, Any]) -> TuningSettings:
        """Settings with some fields replaced by values as JSON holds them.

        Raises:
            MedCLIPSegError: a field is unknown, of the wrong kind or out of range.
        """
        return cast(TuningSettings, dataclass_from_json(TuningSettings, {**dataclasses.asdict(self), **changes}))


def _require(condition: bool, name: str, value: object, wanted: str) -> None:
    if not condition:
        raise MedCLIPSegError(f"The {name} is {value}; it must be {wanted}.")
