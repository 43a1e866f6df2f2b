"""Settings of a training run; recorded with the model. Read without loading torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from MedCLIPSegLogic.checked import checked, from_json
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.request import Threads

from .settings_file import without_earlier_options

PATCH_SIZE = 16
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


@checked
@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the published ones by default.

    Args:
        dice, cross_entropy, contrast: as in the paper.
        auxiliary: cross-entropy of the coarse map that patches and text make by themselves; not in the paper.
        place: words of place and comparison as axes of the joint space, see ``place_loss``; not in the paper.
        rivals: cross-entropy in what else a prompt could mean, see ``rival_loss``; not in the paper.
        presence: whether what a prompt names is in a picture, see ``presence_loss``; not in the paper.
    """

    dice: Weight = 0.5
    cross_entropy: Weight = 0.5
    contrast: Weight = 0.1
    auxiliary: Weight = 0.0
    presence: Weight = 0.0
    place: Weight = 0.0
    rivals: Weight = 0.0


@checked
@dataclass(frozen=True)
class PromptStyles:
    """Shares of the styles among the training prompts; what is left of 1 stays as given.

    Args:
        missing_location: without words of place.
        missing_size: without words of size.
        random_size: with a random word of size: written sizes are not to be trusted.
        overdescriptive: with words that say nothing about this picture.
        short: the thing alone, as people type it.
        synonyms: other words for the thing, or the same words in another order.
        contradictory: with a denial or a wrong place; the mask stays, since the image decides.
        absent: a thing from another part of the body, with an empty mask.
        random_place: with random words of place: a place chooses where there is something to choose from, and hides
            nothing where there is not.
    """

    missing_location: Share = 0.06
    missing_size: Share = 0.04
    random_size: Share = 0.06
    overdescriptive: Share = 0.07
    short: Share = 0.25
    synonyms: Share = 0.10
    contradictory: Share = 0.08
    absent: Share = 0.13
    random_place: Share = 0.06

    def __post_init__(self) -> None:
        if sum(dataclasses.asdict(self).values()) > 1 + 1e-6:
            raise MedCLIPSegError("The shares of the prompt styles add up to more than 1; lower one of them.")


@checked
@dataclass(frozen=True)
class Composition:
    """How often the picture holds more than what is asked for.

    Args:
        mosaics: share of examples that are two or four images in one picture.
        alike: share of the mosaics whose images are of one data set, so that the thing alone does not tell them apart.
        one_of_several: share of the images with several findings of which one is asked for by place or size.
        padded: share of the mosaics of two whose images keep their shape, on black.
    """

    mosaics: Share = 0.30
    alike: Share = 0.75
    one_of_several: Share = 0.5
    padded: Share = 0.5


@checked
@dataclass(frozen=True)
class TrainingSettings:
    """How to train; see ``recipe_settings`` for good starting points.

    Args:
        stages: (share of the steps, input size) in order; small inputs first save most of the time.
        styles: shares of prompt styles; None for none.
        composition: shares of mosaics and of prompts for one of several findings; None for none.
        kinds: of image, by the name of the data set's folder, for the record of what the model knows.
        set_weights: how much more often than by the root of its size a data set is drawn, by the name of its folder.
        loss: weights of the loss parts.

    The other fields say themselves what they are; ``medclipseg train --help`` prints it.
    """

    steps: Annotated[
        int, Field(ge=1, title="number of steps", description="Optimizer steps, where no --epochs are given.")
    ] = 10_000
    epochs: Annotated[
        int | None,
        Field(
            ge=1,
            title="number of epochs",
            description="Passes over all pairs, instead of steps. Without, data sets are drawn by the root of their "
            "size.",
        ),
    ] = None
    batch_size: Annotated[int, Field(ge=2, description="Image-prompt pairs per step, over all processes.")] = 8
    accumulation: Annotated[
        int, Field(ge=1, description="Parts in which a process computes its pairs, to save memory.")
    ] = 1
    stages: tuple[tuple[float, int], ...] = ((0.4, 96), (0.35, 160), (0.25, 192))
    optimizer: Annotated[
        Literal["adamw", "adam"], Field(description="adamw has betas 0.9 and 0.99; adam is the published one.")
    ] = "adamw"
    learning_rate: Annotated[float, Field(gt=0, description="Peak of the schedule.")] = 1e-3
    final_learning_rate: Annotated[float, Field(ge=0, description="End of the schedule.")] = 0.0
    schedule: Annotated[
        Literal["warm-up-cosine", "epoch-cosine"],
        Field(
            description="warm-up-cosine rises over the first 8 % of the steps, then falls as half a cosine; "
            "epoch-cosine falls in one jump per epoch, as published."
        ),
    ] = "warm-up-cosine"
    weight_decay: Annotated[float, Field(ge=0, description="Of matrices and kernels; vectors have none.")] = 0.05
    clip_norm: Annotated[float | None, Field(gt=0, description="Longest gradient.")] = 1.0
    ema_decay: Annotated[
        float,
        Field(
            ge=0, lt=1, title="decay of the average", description="Of the running average of the weights; 0 for none."
        ),
    ] = 0.995
    keep: Annotated[
        Literal["average", "latest", "best"],
        Field(
            description="Weights that become the model: the running average, those of the last step, or those with the "
            "best validation Dice; the others lie in folders of their own."
        ),
    ] = "average"
    augmentation: Annotated[
        Literal["full", "rotation"],
        Field(
            description="Changes of the picture; rotation by up to 20 degrees for half of them is the published one."
        ),
    ] = "full"
    prompts: Annotated[
        Literal["varied", "as-given"],
        Field(description="Wording without prompt styles; as-given is the published one."),
    ] = "varied"
    styles: PromptStyles | None = None
    composition: Composition | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    others: Annotated[
        tuple[str, ...],
        Field(
            description="Data sets, or folders of images, of kinds that are not trained on, so that the model can tell "
            "them apart; may be repeated."
        ),
    ] = ()
    set_weights: dict[str, Annotated[float, Field(gt=0)]] = field(default_factory=dict)
    negative_share: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            title="share of negatives",
            description="Share of examples with a prompt of another body part and an empty mask.",
        ),
    ] = 0.15
    data_share: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="Percent of the training images: the sheet Train_text_10 and so on, or a random draw.",
        ),
    ] = 100
    freeze_towers: Annotated[bool, Field(description="What is trained: adapters and heads only, or all.")] = False
    stochastic_head: Annotated[
        bool, Field(description="Let the mask head draw from a distribution too; a model that does keeps doing so.")
    ] = False
    loss: LossWeights = field(default_factory=lambda: LossWeights(auxiliary=0.3))
    dice: Annotated[
        Literal["per-image", "published-rows"],
        Field(description="Dice loss; published-rows is the published code's, one row of the image at a time."),
    ] = "per-image"
    precision: Annotated[Literal["float32", "bfloat16", "float16"], Field(description="Number format.")] = "float32"
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to train.")] = "auto"
    patience: Annotated[
        int | None, Field(ge=1, description="Validations without a better Dice after which the run ends.")
    ] = None
    seed: Annotated[int, Field(ge=0, description="The same seed gives the same run.")] = 0
    validate_every: Annotated[
        int | None,
        Field(
            ge=1,
            title="number of steps between validations",
            description="Steps between two validations, after each of which the run can be resumed.",
        ),
    ] = 500
    validation_limit: Annotated[int, Field(ge=1, description="Images per data set looked at in a validation.")] = 40
    threads: Threads = "auto"
    tensorboard: Annotated[bool, Field(description="Also log for TensorBoard.")] = False

    def __post_init__(self) -> None:
        if not all(share > 0 for share, _ in self.stages) or abs(sum(share for share, _ in self.stages) - 1) > 1e-6:
            raise MedCLIPSegError("The shares of the training stages must be above 0 and add up to 1.")
        for _, size in self.stages:
            if size < PATCH_SIZE or size % PATCH_SIZE:
                raise MedCLIPSegError(f"The input size {size} of a training stage is not a multiple of {PATCH_SIZE}.")
        if self.final_learning_rate > self.learning_rate:
            raise MedCLIPSegError("The final learning rate must not be above the learning rate.")
        if self.accumulation > self.batch_size:
            raise MedCLIPSegError(
                f"The accumulation is {self.accumulation}; it must be at most the batch size, {self.batch_size}."
            )
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
        return from_json(TrainingSettings, data)


def as_json(settings: TrainingSettings) -> dict[str, Any]:
    """Settings as JSON reads them back."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
