"""Settings of a training run; recorded with the model."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import MedCLIPSegError
from ..model.config import (
    AdapterConfig,
    HeadConfig,
    ImageTowerConfig,
    ModelConfig,
    PreprocessingConfig,
    TextTowerConfig,
)
from .losses import LossWeights

VOCABULARY_SIZE = 1000
PATCH_SIZE = 16


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Args:
        steps: optimizer steps.
        batch_size: image-prompt pairs a step.
        stages: (share of the steps, input size) in order; small inputs first save most of the time.
        learning_rate: peak of the schedule: linear warm-up over the first 8 %, then half a cosine to zero.
        weight_decay: of matrices and kernels; vectors have none.
        ema_decay: of the running average of the weights, which is what is validated and saved.
        negative_share: share of examples with a prompt of another body part and an empty mask.
        freeze_towers: train adapters and heads only.
        loss: weights of the loss parts.
        seed: of everything random; the same seed gives the same run.
        validate_every: steps between two validations, after each of which the run can be resumed.
        validation_limit: images of each set looked at in a validation.
        threads: processor threads; 0 leaves the choice to torch.
    """

    steps: int = 10_000
    batch_size: int = 8
    stages: tuple[tuple[float, int], ...] = ((0.4, 96), (0.35, 160), (0.25, 192))
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    ema_decay: float = 0.995
    negative_share: float = 0.15
    freeze_towers: bool = False
    loss: LossWeights = field(default_factory=lambda: LossWeights(auxiliary=0.3))
    seed: int = 0
    validate_every: int = 500
    validation_limit: int = 40
    threads: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2:
            raise MedCLIPSegError("Training needs at least 1 step and a batch of at least 2 images.")
        if not all(share > 0 for share, _ in self.stages) or abs(sum(share for share, _ in self.stages) - 1) > 1e-6:
            raise MedCLIPSegError("The shares of the training stages must be above 0 and add up to 1.")
        for _, size in self.stages:
            if size < PATCH_SIZE or size % PATCH_SIZE:
                raise MedCLIPSegError(f"The input size {size} of a training stage is not a multiple of {PATCH_SIZE}.")
        if not 0 < self.learning_rate < float("inf"):
            raise MedCLIPSegError(f"The learning rate is {self.learning_rate}; it must be above 0.")
        if self.seed < 0:
            raise MedCLIPSegError(f"The seed is {self.seed}; it must be 0 or more.")

    def size_at(self, step: int) -> int:
        """Input size in a step, counted from 0."""
        done = 0.0
        for share, size in self.stages:
            done += share
            if step < round(done * self.steps):
                return size
        return self.stages[-1][1]


def small_model_config(vocabulary_size: int, image_size: int) -> ModelConfig:
    """The architecture of the bundled model: a hybrid of convolutional stem and small transformers.

    Args:
        vocabulary_size: entries of the WordPiece vocabulary.
        image_size: side of the model input in pixels.
    """
    return ModelConfig(
        flavor="mini",
        joint_width=96,
        image=ImageTowerConfig(
            kind="timm",
            image_size=image_size,
            patch_size=16,
            width=192,
            layers=6,
            heads=3,
            stem_channels=(24, 40, 80, 192),
            layer_scale=0.5,
            drop_path=0.05,
        ),
        text=TextTowerConfig(
            kind="clip",
            context_length=64,
            vocab_size=vocabulary_size,
            width=96,
            layers=6,
            heads=3,
            mlp_ratio=2.0,
        ),
        adapter=AdapterConfig(width=64, fusion_layers=(1, 2, 3, 4), up_init_std=0.02, mask_padding=True),
        head=HeadConfig(kind="skip", channels=(96, 48)),
        preprocessing=PreprocessingConfig(channel_order="rgb", fit="stretch", antialias=True),
    )
