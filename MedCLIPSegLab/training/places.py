"""Words of place and of comparison as axes of the space in which prompts and patches are compared.

A network that only ever sees one finding learns to ignore where it is, and its prompts "left polyp" and "right polyp"
become one vector, from which no mask can tell them apart any more. Here the first three axes of the joint space are
given a meaning: right, down, and larger than the other. Patches must know where they are, prompts where they point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..data.prompt_words import NAMED_BY_PLACE

AXES = 3
REACH = 0.4
"""Length along an axis of the unit vectors of a picture's border, and of prompts that point there."""
_STEPS = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "upper": (0, -1), "bottom": (0, 1), "lower": (0, 1)}
_WORDS = rf"(?:{'|'.join(_STEPS)})"
_STEP = re.compile(rf"\b{_WORDS}\b(?!(?:\s+{_WORDS})*\s+{NAMED_BY_PLACE}\b)")
_CENTER = re.compile(r"\b(?:center|central|middle)\b")
_COMPARED = {"larger": 1.0, "largest": 1.0, "bigger": 1.0, "biggest": 1.0, "smaller": -1.0, "smallest": -1.0}
_COMPARISON = re.compile(rf"\b(?:{'|'.join(_COMPARED)})\b")
MIN_SHARE = 0.5
"""A patch belongs to a finding that covers this much of it."""


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
