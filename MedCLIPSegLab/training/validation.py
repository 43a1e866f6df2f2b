"""Validation during training: Dice of one sample at the input size of the stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from MedCLIPSegLogic.model.config import PreprocessingConfig
from MedCLIPSegLogic.model.noise import SeededNoise

from ..metrics import dice_score
from .curves import Row
from .data import TrainingSet, shrink
from .sampler import model_input


@torch.inference_mode()
def validate(
    network: nn.Module,
    tokenizer: Callable[[Sequence[str]], Tensor],
    preprocessing: PreprocessingConfig,
    sets: Sequence[TrainingSet],
    size: int,
    limit: int,
    device: torch.device,
) -> Row:
    """Mean Dice at 0.5 of every set (``dice_<set>``) and their mean (``dice_mean``); empty without sets.

    Args:
        network: on ``device``; left in evaluation mode.
        tokenizer: of the network.
        preprocessing: how images become its input.
        sets: validation data; the first prompt of each image is used.
        size: side of the model input.
        limit: most images of a set, evenly spread.
        device: where to compute.
    """
    network.eval()
    row: Row = {}
    for validation_set in sets:
        items = validation_set.items
        step = max(1, math.ceil(len(items) / limit))
        scores = []
        for number in range(0, len(items), step):
            image, (text, mask) = items[number].image, items[number].targets[0]
            images = model_input(shrink(image, size)[None], preprocessing).to(device)
            logits = network(images, tokenizer([text]).to(device), SeededNoise(0, [(number, 0)])).logits
            truth = cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST) > 0
            scores.append(dice_score(logits[0].cpu().numpy() > 0, truth))
        row[f"dice_{validation_set.name}"] = float(np.mean(scores))
    if row:
        row["dice_mean"] = float(np.mean(list(row.values())))
    return row
