"""Learn to tell the kinds of image a model knows from all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.image_sight import image_features, model_input
from MedCLIPSegLogic.inference.preprocess import has_content
from MedCLIPSegLogic.knowledge.image_rule import FARTHEST, NO_MEDICAL_IMAGE, ImageRule, packed
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume

from .disguises import Picture, disguise, made_picture

PICTURES = 400
"""Pictures of a kind that are looked at, at most."""
DISGUISES = 3
"""Disguised ones of each."""
MADE = 1800
"""Pictures of nothing."""
SLICES = 5
"""Slices taken of a volume."""
LEAST_LIMIT = 0.5
"""Least limit of the rule: all other kinds together are as likely as the known ones."""
FALSE_ALARMS = 0.02
"""Share of validation pictures that may be called foreign."""
PENALTY = 1e-3
BALANCE = 0.7
"""Power of the number of pictures of a kind by which its weight falls: 0 as they come, 1 all kinds alike."""
BATCH = 16
Features = NDArray[np.float32]
Done = Callable[[float], None]


def learn_image_kinds(
    model: LoadedModel,
    known: Mapping[str, Sequence[Path]],
    validation: Sequence[Path],
    others: Mapping[str, Sequence[Path]],
    done: Done = lambda share: None,
) -> ImageRule:
    """Learn the rule that names the kind of an image.

    Every picture is also shown in disguise, so that another device does not make it foreign; pictures of no kind are
    made. The result depends on nothing but model and files.

    Args:
        model: in evaluation mode.
        known: image files by kind the model was trained on.
        validation: image files of these kinds that it was not trained on, for the limit; may be empty.
        others: image files by kinds that it was not trained on; none is needed, each makes the rule better.
        done: is told the share of the work that is done.

    Raises:
        MedCLIPSegError: a file is unreadable, or a kind has no image.
    """
    rng = np.random.default_rng(0)
    side = model.config.image.image_size
    pictures = {name: list(_pictures(files, side)) for name, files in (*known.items(), *others.items())}
    empty = next((name for name, some in pictures.items() if not some), None)
    if empty is not None:
        raise MedCLIPSegError(f"There is no image with content of the kind '{empty}'.")
    shown = [picture for name in known for picture in pictures[name]]
    pictures[NO_MEDICAL_IMAGE] = [
        made_picture(side, lambda: shown[int(rng.integers(len(shown)))], rng) for _ in range(MADE)
    ]
    total = sum(len(some) * (1 if name == NO_MEDICAL_IMAGE else 1 + DISGUISES) for name, some in pictures.items())
    features: list[Features] = []
    labels: list[int] = []
    for number, (name, some) in enumerate(pictures.items()):
        disguised = 0 if name == NO_MEDICAL_IMAGE else DISGUISES
        variants = [*some, *(disguise(picture, rng) for picture in some for _ in range(disguised))]
        for batch in _features(model, variants):
            features.append(batch)
            labels += [number] * len(batch)
            done(len(labels) / total)
    stacked = np.concatenate(features)
    center, scale = stacked.mean(axis=0), stacked.std(axis=0) + 1e-4
    weights, bias = _fit(np.clip((stacked - center) / scale, -FARTHEST, FARTHEST), np.asarray(labels), len(pictures))
    rule = ImageRule(
        kinds=tuple(pictures),
        known=len(known),
        limit=LEAST_LIMIT,
        center=packed(center),
        scale=packed(scale),
        weights=packed(weights, "<f2"),
        bias=packed(bias),
    )
    scores = [
        rule.sight(row).foreign or 0.0 for batch in _features(model, _pictures(validation, side)) for row in batch
    ]
    if not scores:
        return rule
    limit = min(max(LEAST_LIMIT, float(np.quantile(scores, 1 - FALSE_ALARMS))), 0.99)
    return ImageRule(**{**vars(rule), "limit": round(limit, 4)})


def _pictures(files: Sequence[Path], side: int) -> Iterator[Picture]:
    """Slices with content of some files, spread evenly, at most PICTURES; their longer side is at most ``side``."""
    step = max(1, len(files) / PICTURES)
    for number in range(min(len(files), PICTURES)):
        volume = read_volume(files[int(number * step)])
        axis, mapping = choose_axis(volume, "auto"), resolve(default_rule(volume), volume)
        for index in _spread(axis.count):
            pixels = mapping.apply(axis.extract(volume.voxels, index))
            if has_content(pixels):
                scale = min(1.0, side / max(pixels.shape[:2]))
                size = (max(16, round(pixels.shape[1] * scale)), max(16, round(pixels.shape[0] * scale)))
                small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
                yield small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=2)


def _spread(count: int) -> list[int]:
    """Some slices of the middle of a volume; the only one of a picture."""
    return sorted({int(place) for place in np.linspace(0.2 * (count - 1), 0.8 * (count - 1), SLICES)})


def _features(model: LoadedModel, pictures: Iterator[Picture] | Sequence[Picture]) -> Iterator[Features]:
    batch = []
    for picture in pictures:
        batch.append(model_input(model, picture))
        if len(batch) == BATCH:
            yield image_features(model.network, batch)
            batch = []
    if batch:
        yield image_features(model.network, batch)


def _fit(features: Features, labels: NDArray[np.intp], count: int) -> tuple[Features, Features]:
    """Weights and bias of a penalized multinomial logistic regression, rare kinds weighted up."""
    inputs, wanted = torch.from_numpy(features.astype(np.float32)), torch.from_numpy(labels)
    importance = torch.from_numpy(np.bincount(labels, minlength=count) ** -BALANCE)[wanted].float()
    importance /= importance.sum()
    weights = torch.zeros(count, features.shape[1], requires_grad=True)
    bias = torch.zeros(count, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=150, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        errors = torch.nn.functional.cross_entropy(inputs @ weights.T + bias, wanted, reduction="none")
        value = (importance * errors).sum() + PENALTY * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach().numpy(), bias.detach().numpy()
