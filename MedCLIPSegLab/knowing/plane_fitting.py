"""In which plane of volumes a model does best, and how much each plane is to weigh where all three are fused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit

from MedCLIPSegLogic.inference.passes import Passes
from MedCLIPSegLogic.inference.plane_choice import PLANES
from MedCLIPSegLogic.inference.preprocess import PreparedSlice, has_content, place, prepare_slice
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.uncertainty import LEAST_PROBABILITY
from MedCLIPSegLogic.knowledge.planes import KnownPlane, Weights
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import SliceAxis, usable_planes
from MedCLIPSegLogic.volumes.volume import Volume

from ..data import prompt_words
from ..metrics import dice_score
from .sets import KnowingSet, Shown

MOST_VOLUMES = 8
"""Validation volumes of a kind on which planes are tried."""
BATCH = 8
TENTHS = tuple((a, b, 10 - a - b) for a in range(1, 9) for b in range(1, 10 - a))
"""Weights that are tried, in tenths: each plane has a say."""


@dataclass(frozen=True)
class FittedPlanes:
    """What is known of the planes of a kind of volume.

    Args:
        plane: with the best mean Dice.
        weights: of the axial, the coronal and the sagittal plane with the best mean Dice of the fused mask.
        dice: mean Dice of each plane, in that order.
        fused: mean Dice with these weights.
    """

    plane: KnownPlane
    weights: Weights
    dice: Weights
    fused: float


def fit_planes(sets: Sequence[KnowingSet], model: LoadedModel, device: torch.device) -> FittedPlanes | None:
    """Try the planes on the validation volumes of a kind, with the noise at its mean, a pass a slice.

    Args:
        sets: the data sets of the kind.
        model: moved to the device.
        device: where to compute.

    Returns:
        What was found; None without validation volumes whose slices are good in all three planes.

    Raises:
        MedCLIPSegError: a file is missing, unreadable or does not fit.
    """
    passes = Passes(model.network.to(device), device, "float32", SegmentationRequest.seed, BATCH)
    alone: list[list[float]] = []
    fused: list[list[float]] = []
    for cases in _volumes(sets):
        axes = sorted(usable_planes(cases[0].volume), key=lambda axis: PLANES.index(axis.name))
        if len(axes) < len(PLANES):
            continue
        logits = [_logits(model, passes, cases, axis) for axis in axes]
        for number, case in enumerate(cases):
            planes = np.stack([each[number] for each in logits])
            alone.append([dice_score(plane > 0, case.truth) for plane in planes])
            fused.append([dice_score(np.tensordot(tenths, planes, 1) > 0, case.truth) for tenths in TENTHS])
    if not alone:
        return None
    dice, of_weights = np.mean(alone, axis=0), np.mean(fused, axis=0)
    # Of weights that do alike, those that differ least.
    best = max(range(len(TENTHS)), key=lambda n: (round(float(of_weights[n]), 4), -float(np.std(TENTHS[n]))))
    first, second, third = (tenth / 10 for tenth in TENTHS[best])
    axial, coronal, sagittal = map(float, dice)
    names: tuple[KnownPlane, ...] = ("axial", "coronal", "sagittal")
    return FittedPlanes(
        names[int(dice.argmax())], (first, second, third), (axial, coronal, sagittal), float(of_weights[best])
    )


def _volumes(sets: Sequence[KnowingSet]) -> Iterator[list[Shown]]:
    """Rows of up to :data:`MOST_VOLUMES` validation volumes that show something, by volume."""
    rows: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for number, each in enumerate(sets):
        for row in each.validation:
            if not prompt_words.names_absence(row.description):
                rows[number, row.image].append(row)
    chosen = np.linspace(0, len(rows) - 1, min(MOST_VOLUMES, len(rows))).round().astype(int)
    images = list(rows)
    for index in chosen:
        number, _ = image = images[index]
        shown = [case for case in sets[number].shown("Val", rows[image]) if case.truth.any()]
        if shown:
            yield shown


def _logits(model: LoadedModel, passes: Passes, cases: Sequence[Shown], axis: SliceAxis) -> list[NDArray[np.float32]]:
    """Logits (K, J, I) of the prompts of a volume in a plane."""
    volume: Volume = cases[0].volume
    mapping, preprocessing = resolve(default_rule(volume), volume), model.config.preprocessing
    texts = [passes.encode_text(model.tokenizer([case.row.description])) for case in cases]
    probabilities = [np.zeros(volume.shape, np.float32) for _ in cases]
    slices = []
    for index in range(axis.count):
        pixels = mapping.apply(axis.extract(volume.voxels, index))
        if has_content(pixels):
            placement = place(pixels.shape[:2], axis.pixel_spacing, model.config.image.image_size, preprocessing)
            slices.append(PreparedSlice(index, 1, placement, prepare_slice(pixels, placement, preprocessing)))
    for first in range(0, len(slices), BATCH):
        batch = slices[first : first + BATCH]
        images = passes.encode_images([prepared.image for prepared in batch])
        for text, target in zip(texts, probabilities, strict=True):
            maps = passes.preview_all([passes.meet(image, text) for image in images])
            for prepared, values in zip(batch, maps, strict=True):
                axis.insert(target, prepared.index, prepared.placement.restore(values[None])[0].cpu().numpy())
    return [logit(np.clip(each, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)) for each in probabilities]
