"""What is known of the words of a prompt beside its mask, and losses that teach it.

Words of place and of comparison are axes of the space in which prompts and patches are compared.

A network that only ever sees one finding learns to ignore where it is, and its prompts "left polyp" and "right polyp"
become one vector, from which no mask can tell them apart any more. Here the first three axes of the joint space are
given a meaning: right, down, and larger than the other. Patches must know where they are, prompts where they point.

Whether the part of the body a prompt names is in a picture is a loss over all pairs of a batch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from MedCLIPSegLogic.knowledge.grammar import grammar
from MedCLIPSegLogic.knowledge.places import NAMED_BY_PLACE

from ..data.wordings import wordings

AXES = 3
REACH = 0.4
"""Length along an axis of the unit vectors of a picture's border, and of prompts that point there."""
_STEPS = {word: step for word, step in grammar().place.items() if any(step)}
_WORDS = rf"(?:{'|'.join(_STEPS)})"
_STEP = re.compile(rf"\b{_WORDS}\b(?!(?:\s+{_WORDS})*\s+{NAMED_BY_PLACE}\b)")
_CENTER = re.compile(rf"\b(?:{'|'.join(word for word in grammar().place if word not in _STEPS)})\b")
_COMPARED = {"larger": 1.0, "largest": 1.0, "bigger": 1.0, "biggest": 1.0, "smaller": -1.0, "smallest": -1.0}
_COMPARISON = re.compile(rf"\b(?:{'|'.join(_COMPARED)})\b")
MIN_SHARE = 0.5
"""A patch belongs to a finding that covers this much of it."""
UNKNOWN = -1.0
SCALE = 10.0
"""Of the cosine, which becomes a logit."""
Areas = frozenset[str]


def place_of(text: str) -> tuple[float, float, float]:
    """Where a prompt points: right, down and larger, each −1…1; the mean of several places, 0 for what it leaves open.

    "polyp at the top left, center" is (−0.5, −0.5, 0), "the smaller lesion" (0, 0, −1).
    The left lung is not on the left of a picture: words of place that name a part of the body say nothing here.
    """
    places: list[tuple[float, float]] = []
    for part in re.split(r",|\band\b", text.lower()):
        steps = [_STEPS[word] for word in _STEP.findall(part)]
        if steps or _CENTER.search(part):
            right, down = sum(step[0] for step in steps), sum(step[1] for step in steps)
            places.append((max(-1, min(1, right)), max(-1, min(1, down))))
    compared = _COMPARISON.search(text.lower())
    larger = _COMPARED[compared[0]] if compared else 0.0
    if not places:
        return 0.0, 0.0, larger
    return sum(p[0] for p in places) / len(places), sum(p[1] for p in places) / len(places), larger


def place_targets(texts: Sequence[str]) -> Tensor:
    """Where prompts point, (B, 3)."""
    return torch.tensor([place_of(text) for text in texts])


def place_loss(patches: Tensor, text: Tensor, targets: Tensor, masks: Tensor, rivals: Tensor) -> Tensor:
    """Squared distance of prompts and patches from where they should be on the axes of place and comparison.

    Patches know their place everywhere, but whether they are part of the larger or the smaller finding only where a
    prompt compares two.

    Args:
        patches: (B, C, h, w), unit length.
        text: (B, C).
        targets: (B, 3) of :func:`place_targets`.
        masks: (B, H, W), 1 in what is asked for.
        rivals: (B, H, W), True in what else the prompt could mean.
    """
    rows, columns = patches.shape[2:]
    down, right = torch.meshgrid(
        torch.linspace(-1, 1, rows, device=patches.device),
        torch.linspace(-1, 1, columns, device=patches.device),
        indexing="ij",
    )
    points = functional.normalize(text, dim=-1)[:, :AXES]
    loss = (points - REACH * targets).square().sum(dim=1).mean()
    loss = loss + (patches[:, :2] - REACH * torch.stack([right, down])).square().sum(dim=1).mean()
    wanted = functional.adaptive_avg_pool2d(masks, (rows, columns)) > MIN_SHARE
    other = functional.adaptive_avg_pool2d(rivals.float(), (rows, columns)) > MIN_SHARE
    sign = targets[:, 2, None, None] * (wanted.float() - other.float())
    compared = sign != 0
    if bool(compared.any()):
        loss = loss + (patches[:, 2][compared] - REACH * sign[compared]).square().mean()
    return loss


def rival_loss(logits: Tensor, masks: Tensor, rivals: Tensor) -> Tensor:
    """Cross-entropy in what is asked for and in what else the prompt could mean, each weighed alike whatever its size.

    Args:
        logits: (B, H, W).
        masks: (B, H, W), 1 in what is asked for.
        rivals: (B, H, W), True in what else the prompt could mean.

    Returns:
        The mean over the pictures that hold both; 0 without any.
    """
    terms = []
    for logit, mask, rival in zip(logits, masks > 0, rivals, strict=True):
        if bool(mask.any()) and bool(rival.any()):
            terms += [functional.softplus(-logit[mask]).mean(), functional.softplus(logit[rival]).mean()]
    return torch.stack(terms).mean() if terms else logits.sum() * 0


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
