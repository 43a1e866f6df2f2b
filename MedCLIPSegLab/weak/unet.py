"""The weak stage of MedCLIP-SAM (arXiv 2403.20253): a residual U-Net with Dice and cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.device import choose_device
from MedCLIPSegLogic.inference.request import Device

from ..training.settings import LossWeights, TrainingSettings
from ..training.unet import baseline_settings, load_unet, slice_probability
from .prediction import Predictor

CHANNELS = (16, 32, 64, 128, 256)
EPOCHS = 100
BATCH_SIZE = 16
IMAGE_SIZE = 256
LEARNING_RATE = 1e-4


def unet_settings(
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    image_size: int = IMAGE_SIZE,
    learning_rate: float = LEARNING_RATE,
    device: Device = "auto",
    seed: int = 0,
) -> TrainingSettings:
    """Settings of the training, with Adam at a constant rate; the paper states loss and network alone.

    Raises:
        MedCLIPSegError: a value is out of range.
    """
    return baseline_settings(
        TrainingSettings(
            epochs=epochs,
            batch_size=batch_size,
            stages=((1.0, image_size),),
            optimizer="adam",
            schedule="epoch-cosine",
            learning_rate=learning_rate,
            final_learning_rate=learning_rate,
            weight_decay=0.0,
            clip_norm=None,
            ema_decay=0.0,
            keep="latest",
            loss=LossWeights(dice=1.0, cross_entropy=1.0),
            validate_every=None,
            device=device,
            seed=seed,
        )
    )


def unet_predictor(folder: Path, device: Device = "auto") -> Predictor:
    """The trained network of a folder.

    Args:
        folder: of the network.
        device: where to compute.
    """
    network = load_unet(folder).to(choose_device(device))

    def predict(images: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        return (slice_probability(network, image) for image in images)

    return predict
