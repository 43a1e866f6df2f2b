"""Named starting points for training settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.model.folder import read_config

from .settings import Composition, LossWeights, PromptStyles, TrainingSettings

Recipe = Literal["auto", "small", "published"]
CLIP_WIDTH = 512
"""Image towers at least this wide are CLIP-sized: training their adapters is enough, training them whole is not."""
PUBLISHED_SIZE = 224


def recipe_settings(recipe: Recipe, start_from: Path | None) -> TrainingSettings:
    """Settings of a recipe.

    Args:
        recipe: "published" (arXiv 2602.20423, frozen towers), "small" (whole network, prompt styles, mosaics), or
            "auto": published for a CLIP-sized model to start from, else small.
        start_from: folder of the model to start from; None for a small model from scratch.

    Raises:
        MedCLIPSegError: the recipe is unknown, or the folder is no model folder.
    """
    start = None if start_from is None else read_config(start_from)
    if recipe == "auto":
        recipe = "published" if start is not None and start.image.width >= CLIP_WIDTH else "small"
    size = start.image.image_size if start is not None else None
    if recipe == "published":
        return _published(size or PUBLISHED_SIZE)
    stages = ((1.0, size),) if size else TrainingSettings.stages
    if recipe == "small":
        return TrainingSettings(
            stages=stages,
            styles=PromptStyles(),
            composition=Composition(),
            negative_share=0.16,
            loss=LossWeights(auxiliary=0.3, presence=0.5, place=5.0, rivals=0.5),
        )
    raise MedCLIPSegError(f"There is no recipe '{quoted(recipe)}'; take auto, small or published.")


def _published(size: int) -> TrainingSettings:
    """Adam, one cosine over 100 epochs, rotations only, prompts as given, last weights (section 5 of the paper)."""
    return TrainingSettings(
        epochs=100,
        batch_size=24,
        stages=((1.0, size),),
        optimizer="adam",
        learning_rate=3e-4,
        final_learning_rate=1e-4,
        schedule="epoch-cosine",
        weight_decay=0.0,
        clip_norm=None,
        ema_decay=0.0,
        keep="latest",
        augmentation="rotation",
        prompts="as-given",
        negative_share=0.0,
        freeze_towers=True,
        loss=LossWeights(),
        seed=666,
        validate_every=None,
    )
