"""Settings of a training run; recorded with the model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.typed_json import dataclass_from_json

from .composition import Composition
from .earlier_settings import without_earlier_options
from .losses import LossWeights
from .prompt_styles import PromptStyles

PATCH_SIZE = 16


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; see ``recipe_settings`` for good starting points.

    Args:
        steps: optimizer steps; taken when ``epochs`` is None.
        epochs: passes over all (image, prompt) pairs, each once a pass in random order; None draws data sets by the
            root of their size and examples by chance.
        batch_size: image-prompt pairs an optimizer step, over all processes.
        accumulation: parts in which a process computes its pairs, one after the other, to save memory.
        stages: (share of the steps, input size) in order; small inputs first save most of the time.
        optimizer: "adamw" (weight decay, betas 0.9 and 0.99) or "adam" (as published).
        learning_rate: peak of the schedule.
        final_learning_rate: end of the schedule.
        schedule: "warm-up-cosine" rises linearly over the first 8 % of the steps, then falls as half a cosine;
            "epoch-cosine" falls as half a cosine in one jump an epoch (as published).
        weight_decay: of matrices and kernels; vectors have none.
        clip_norm: longest gradient; None for any.
        ema_decay: of the running average of the weights; 0 for no average.
        keep: weights that become the model: the running average, those of the last step, or those with the best
            validation Dice. The other two lie in folders of their own.
        augmentation: "full", or "rotation" by up to 20 degrees with probability 1/2 (as published).
        prompts: "varied" or "as-given" (as published); ignored with ``styles``.
        styles: shares of prompt styles; None for none.
        composition: shares of mosaics and of prompts for one of several findings; None for none.
        set_weights: how much more often than by the root of its size a data set is drawn, by the name of its folder.
        negative_share: share of examples with a prompt of another body part and an empty mask.
        data_share: percent of the training images, from the sheets with that suffix or drawn by ``seed``.
        freeze_towers: train adapters and heads only.
        stochastic_head: let the mask head draw from a distribution as well; a model that does keeps doing so.
        loss: weights of the loss parts.
        dice: "per-image", or "published-rows" for the published code's Dice, a row of the image at a time.
        precision: number format of the passes.
        device: where to train; "auto" takes a graphics card when there is one.
        patience: validations without a better Dice after which the run ends; None to never end early.
        seed: of everything random; the same seed gives the same run.
        validate_every: steps between two validations, after each of which the run can be resumed; None for an epoch.
        validation_limit: images of each set looked at in a validation.
        threads: processor threads; 0 leaves the choice to torch.
        tensorboard: also log to the folder ``tensorboard``.
    """

    steps: int = 10_000
    epochs: int | None = None
    batch_size: int = 8
    accumulation: int = 1
    stages: tuple[tuple[float, int], ...] = ((0.4, 96), (0.35, 160), (0.25, 192))
    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.0
    schedule: Literal["warm-up-cosine", "epoch-cosine"] = "warm-up-cosine"
    weight_decay: float = 0.05
    clip_norm: float | None = 1.0
    ema_decay: float = 0.995
    keep: Literal["average", "latest", "best"] = "average"
    augmentation: Literal["full", "rotation"] = "full"
    prompts: Literal["varied", "as-given"] = "varied"
    styles: PromptStyles | None = None
    composition: Composition | None = None
    set_weights: dict[str, float] = field(default_factory=dict)
    negative_share: float = 0.15
    data_share: int = 100
    freeze_towers: bool = False
    stochastic_head: bool = False
    loss: LossWeights = field(default_factory=lambda: LossWeights(auxiliary=0.3))
    dice: Literal["per-image", "published-rows"] = "per-image"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    patience: int | None = None
    seed: int = 0
    validate_every: int | None = 500
    validation_limit: int = 40
    threads: int = 0
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2:
            raise MedCLIPSegError("Training needs at least 1 step and a batch of at least 2 images.")
        if not all(share > 0 for share, _ in self.stages) or abs(sum(share for share, _ in self.stages) - 1) > 1e-6:
            raise MedCLIPSegError("The shares of the training stages must be above 0 and add up to 1.")
        for _, size in self.stages:
            if size < PATCH_SIZE or size % PATCH_SIZE:
                raise MedCLIPSegError(f"The input size {size} of a training stage is not a multiple of {PATCH_SIZE}.")
        _require(0 < self.learning_rate < float("inf"), "learning rate", self.learning_rate, "above 0")
        _require(
            0 <= self.final_learning_rate <= self.learning_rate,
            "final learning rate",
            self.final_learning_rate,
            "between 0 and the learning rate",
        )
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        _require(self.epochs is None or self.epochs > 0, "number of epochs", self.epochs, "at least 1")
        _require(
            1 <= self.accumulation <= self.batch_size, "accumulation", self.accumulation, "between 1 and the batch size"
        )
        _require(0 <= self.ema_decay < 1, "decay of the average", self.ema_decay, "at least 0 and below 1")
        for name, weight in self.set_weights.items():
            _require(0 < weight < float("inf"), f"weight of the data set {name}", weight, "above 0")
        _require(0 <= self.negative_share < 1, "share of negatives", self.negative_share, "at least 0 and below 1")
        _require(1 <= self.data_share <= 100, "data share", self.data_share, "between 1 and 100 percent")
        _require(self.patience is None or self.patience > 0, "patience", self.patience, "at least 1")
        _require(self.clip_norm is None or self.clip_norm > 0, "clip norm", self.clip_norm, "above 0")
        _require(
            self.validate_every is None or self.validate_every > 0,
            "number of steps between validations",
            self.validate_every,
            "at least 1",
        )
        _require(self.validation_limit > 0, "validation limit", self.validation_limit, "at least 1")
        if self.keep == "average" and self.ema_decay == 0:
            raise MedCLIPSegError(
                "Without a running average (ema_decay 0) the latest or the best weights must be kept."
            )
        if self.epochs is None and (self.schedule == "epoch-cosine" or self.validate_every is None):
            raise MedCLIPSegError("A schedule or a validation by epoch needs a number of epochs.")

    def size_at(self, step: int, steps: int | None = None) -> int:
        """Input size in a step, counted from 0, of ``steps``."""
        done = 0.0
        for share, size in self.stages:
            done += share
            if step < round(done * (steps or self.steps)):
                return size
        return self.stages[-1][1]

    def changed(self, changes: Mapping[str, Any]) -> TrainingSettings:
        """Settings with some fields replaced by parsed JSON or TOML; objects are merged field by field.

        Raises:
            MedCLIPSegError: a field is unknown, of the wrong kind or out of range, or was an option of an earlier
                version that changed the training.
        """
        data = _merge(as_json(self), without_earlier_options(changes))
        return cast(TrainingSettings, dataclass_from_json(TrainingSettings, data))


def as_json(settings: TrainingSettings) -> dict[str, Any]:
    """Settings as JSON reads them back."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _require(condition: bool, name: str, value: object, wanted: str) -> None:
    if not condition:
        raise MedCLIPSegError(f"The {name} is {value}; it must be {wanted}.")
