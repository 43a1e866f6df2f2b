"""The architecture of the bundled model."""

from __future__ import annotations

from MedCLIPSegLogic.model.config import (
    AdapterConfig,
    HeadConfig,
    ImageTowerConfig,
    ModelConfig,
    PreprocessingConfig,
    TextTowerConfig,
)

VOCABULARY_SIZE = 1000


def small_model_config(vocabulary_size: int, image_size: int) -> ModelConfig:
    """A hybrid of convolutional stem and small transformers, to be trained from scratch.

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
