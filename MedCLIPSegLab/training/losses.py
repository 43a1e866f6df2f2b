"""Losses of MedCLIPSeg (arXiv 2602.20423): soft Dice, cross-entropy and soft patch-level contrast."""

from __future__ import annotations

import torch
from monai.losses import DiceLoss
from torch import Tensor
from torch.nn import functional

from MedCLIPSegLogic.model.network import NetworkOutput

from .settings import LossWeights

CONTRAST_TEMPERATURE = 0.2


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 − soft Dice per image, smoothed by one pixel, averaged over the batch.

    Args:
        logits: (B, H, W).
        mask: (B, H, W), 0 and 1.
    """
    loss = DiceLoss(sigmoid=True, smooth_nr=1.0, smooth_dr=1.0)
    return loss(logits[:, None], mask[:, None])


def published_row_dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """The published code's Dice, which takes image rows for channels and leaves out row 0; for reproduction only.

    Args:
        logits: (B, H, W).
        mask: (B, H, W), 0 and 1.
    """
    return DiceLoss(include_background=False, sigmoid=True)(logits, mask)


def contrastive_loss(patches: Tensor, text: Tensor) -> Tensor:
    """Soft patch-level contrast with τ = 0.2.

    Args:
        patches: (B, C, h, w) of unit length per patch.
        text: (B, C), as projected.
    """
    images = patches.flatten(2).mean(dim=2)
    logits = images @ text.T / CONTRAST_TEMPERATURE
    targets = functional.normalize(text @ text.T / CONTRAST_TEMPERATURE, dim=-1).softmax(dim=-1)
    image_to_text = -(targets * logits.log_softmax(dim=-1)).sum(dim=-1).mean()
    text_to_image = -(targets.T * logits.T.log_softmax(dim=-1)).sum(dim=-1).mean()
    return (image_to_text + text_to_image) / 2


def auxiliary_loss(patches: Tensor, text: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of ten times the cosine between each patch and the text against the mask's share of the patch."""
    cosine = torch.einsum("bc,bchw->bhw", functional.normalize(text, dim=-1), patches)
    share = functional.adaptive_avg_pool2d(mask[:, None], (cosine.shape[1], cosine.shape[2]))[:, 0]
    return functional.binary_cross_entropy_with_logits(10 * cosine, share)


def total_loss(
    output: NetworkOutput, mask: Tensor, weights: LossWeights, published_rows: bool = False
) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum of the losses of masks and patches, and the value of each.

    Args:
        output: of one stochastic pass.
        mask: (B, H, W) float, 0 and 1.
        weights: of the parts; a part of weight 0 is not computed.
        published_rows: take :func:`published_row_dice_loss` for the Dice part.
    """
    dice = published_row_dice_loss if published_rows else dice_loss
    parts = {
        "dice": (weights.dice, lambda: dice(output.logits, mask)),
        "cross_entropy": (
            weights.cross_entropy,
            lambda: functional.binary_cross_entropy_with_logits(output.logits, mask),
        ),
        "contrast": (weights.contrast, lambda: contrastive_loss(output.patches, output.text)),
        "auxiliary": (weights.auxiliary, lambda: auxiliary_loss(output.patches, output.text, mask)),
    }
    total = output.logits.new_zeros(())
    values: dict[str, float] = {}
    for name, (weight, compute) in parts.items():
        if weight > 0:
            value = compute()
            total = total + weight * value
            values[name] = float(value.detach())
    return total, values
