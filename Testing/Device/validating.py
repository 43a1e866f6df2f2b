"""Validation on the device: one pass with the noise at its mean, all prompts of a set together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from MedCLIPSegLab.training.data import TrainingSet
from MedCLIPSegLogic.inference.preprocess import normalize
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.noise import MeanNoise

BATCH = 24


class Validation:
    """Validation data on a device.

    Args:
        sets: evenly spread prompts of each are taken, as given.
        network: knows the input.
        tokenizer: of the network.
        device: where to keep them.
        most: prompts of a set.
    """

    def __init__(
        self,
        sets: Sequence[TrainingSet],
        network: MedCLIPSeg,
        tokenizer: Callable[[Sequence[str]], Tensor],
        device: torch.device,
        most: int = 48,
    ) -> None:
        size = network.config.image.image_size
        self._parts: list[tuple[str, Tensor, Tensor, Tensor]] = []
        for data in sets:
            pairs = [(item.image, *target) for item in data.items for target in item.targets]
            pairs = pairs[:: max(1, -(-len(pairs) // most))]
            images = np.stack([cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image, _, _ in pairs])
            masks = np.stack([cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST) for _, _, mask in pairs])
            inputs = normalize(torch.from_numpy(images).permute(0, 3, 1, 2), network.config.preprocessing)
            ids = tokenizer([text for _, text, _ in pairs])
            truth = torch.from_numpy(masks) > 0
            self._parts.append((data.name, inputs.to(device), ids.to(device), truth.to(device)))

    @torch.inference_mode()
    def __call__(self, network: MedCLIPSeg) -> dict[str, float]:
        """Mean Dice at 0.5 of every set (``dice_<set>``) and their mean (``dice_mean``)."""
        scores: dict[str, float] = {}
        searching, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, False
        for name, images, ids, truths in self._parts:
            found = []
            for start in range(0, len(ids), BATCH):
                part = slice(start, start + BATCH)
                found.append(network(images[part], ids[part], MeanNoise()).logits > 0)
            masks = torch.cat(found)
            both = 2 * (masks & truths).sum(dim=(1, 2))
            total = masks.sum(dim=(1, 2)) + truths.sum(dim=(1, 2))
            dice = torch.where(total > 0, both / total.clamp_min(1), torch.ones_like(total, dtype=torch.float32))
            scores[f"dice_{name}"] = round(float(dice.mean()), 4)
        torch.backends.cudnn.benchmark = searching
        return scores | {"dice_mean": round(float(np.mean(list(scores.values()))), 4)}
