"""Whether the part of the body a prompt names is in a picture: a loss over all pairs of a batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from ..data.wordings import wordings

UNKNOWN = -1.0
SCALE = 10.0
"""Of the cosine, which becomes a logit."""
Areas = frozenset[str]


def named_areas(text: str) -> Areas:
    """Areas of the body a prompt is about; empty when it does not say."""
    areas = wordings().areas_of(re.findall(r"[a-z]+", text.lower()))
    return areas | {area for area, things in _things().items() if things.search(text)}


@cache
def _things() -> dict[str, re.Pattern[str]]:
    """A pattern of the things of every area."""
    names = wordings().absent_things
    return {area: re.compile(rf"\b(?:{'|'.join(things)})\b", re.IGNORECASE) for area, things in names.items()}


def presence_targets(texts: Sequence[str], shown: Sequence[Areas], masks: Tensor) -> Tensor:
    """What is known of every prompt of a batch and every picture of it.

    Args:
        texts: B prompts.
        shown: areas of the body in the B pictures; empty when nobody knows.
        masks: (B, H, W) of the pairs.

    Returns:
        (B prompts, B pictures): 1 where the prompt's thing is in the picture, 0 where it cannot be because the picture
        shows other areas, -1 where it is not known.
    """
    targets = torch.full((len(texts), len(shown)), UNKNOWN)
    for row, text in enumerate(texts):
        named = named_areas(text)
        for column, areas in enumerate(shown):
            if named and areas and not named & areas:
                targets[row, column] = 0.0
        if bool(masks[row].any()):
            targets[row, row] = 1.0
    return targets


def presence_loss(image: Tensor, text: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of ten times the cosine of prompt and picture, present and absent pairs weighed alike.

    After the sigmoid loss of image-text pairs (Zhai et al. 2023, arXiv 2303.15343), with known absences instead of
    assumed ones.

    Args:
        image: (B, D) unit vectors of the pictures.
        text: (B, D) unit vectors of the prompts.
        targets: (B, B) of :func:`presence_targets`.
    """
    logits = SCALE * text @ image.T
    terms = []
    for value in (0.0, 1.0):
        chosen = logits[targets == value]
        if len(chosen):
            terms.append(functional.binary_cross_entropy_with_logits(chosen, torch.full_like(chosen, value)))
    return torch.stack(terms).mean() if terms else logits.sum() * 0
