"""Scores of the U-Net without text."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume
from MedCLIPSegLogic.volumes.volume import Volume

from ..data.prompt_sheets import PromptSheet
from ..data.truth import read_truth
from ..metrics import dice_score
from ..training.text_free_unet import TextFreeUNet, load_unet, slice_probability


def unet_dice(folder: Path, sheet: PromptSheet, limit: int | None) -> float:
    """Mean Dice (0…1) of a trained U-Net on the rows of a prompt sheet, each on its image's own grid.

    Args:
        folder: of the U-Net.
        sheet: whose prompts are not read.
        limit: first rows only; None for all.
    """
    network = load_unet(folder)
    scores = []
    for row in sheet.rows(limit):
        volume = read_volume(sheet.images / row.image)
        truth = read_truth(sheet.labels / row.ground_truth, row.label_values, volume)
        scores.append(dice_score(_predict(network, volume), truth))
    return fmean(scores)


def _predict(network: TextFreeUNet, volume: Volume) -> NDArray[np.bool_]:
    """(K, J, I) mask at 0.5, slice by slice in the default plane."""
    mapping, axis = resolve(default_rule(volume), volume), choose_axis(volume, "auto")
    mask = np.zeros(volume.shape, bool)
    for index in range(axis.count):
        probability = slice_probability(network, mapping.apply(axis.extract(volume.voxels, index)))
        axis.insert(mask, index, probability > 0.5)
    return mask
