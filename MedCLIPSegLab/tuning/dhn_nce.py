"""DHN-NCE, the loss MedCLIP-SAM tunes CLIP with: contrastive, decoupled, and hard on close negatives."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from MedCLIPSegLogic.errors import MedCLIPSegError

Reduction = Literal["mean", "sum"]


def dhn_nce(
    similarities: Tensor, beta_image: float = 0.15, beta_text: float = 0.15, reduction: Reduction = "mean"
) -> Tensor:
    """Decoupled Hard Negative Noise Contrastive Estimation of B image-text pairs (arXiv 2409.19483).

    Args:
        similarities: (B, B) cosines divided by a temperature, images in rows and texts in columns; pairs are on the
            diagonal. The temperature is fixed, the model's own logit scale is not used.
        beta_image: hardness, 0 or more, of the texts an image is told from; 0 is decoupled contrastive learning (DCL).
        beta_text: the same of the images a text is told from.
        reduction: "sum" over the batch, as published, or its "mean", B times smaller.

    Returns:
        Scalar, both directions added.

    Raises:
        MedCLIPSegError: fewer than 2 pairs, which leaves nothing to tell apart.
    """
    if len(similarities) < 2:
        raise MedCLIPSegError("The DHN-NCE loss compares pairs with each other; give it at least 2.")
    if similarities.dtype in (torch.float16, torch.bfloat16):
        similarities = similarities.float()
    losses = _one_direction(similarities, beta_image) + _one_direction(similarities.T, beta_text)
    return losses.mean() if reduction == "mean" else losses.sum()


def _one_direction(similarities: Tensor, beta: float) -> Tensor:
    """Loss (B,) of each row.

    The published weights (B − 1)·exp(β·s) / Σ exp(β·s), put into the logarithm of the weighted sum, leave two sums over
    the same negatives; no exponential of a similarity is ever formed by itself.
    """
    own = torch.eye(len(similarities), dtype=torch.bool, device=similarities.device)

    def over_negatives(factor: float) -> Tensor:
        return torch.logsumexp((factor * similarities).masked_fill(own, -math.inf), dim=1)

    return math.log(len(own) - 1) - similarities.diagonal() + over_negatives(1 + beta) - over_negatives(beta)
