"""Losses of MedCLIPSeg (arXiv 2602.20423): soft Dice, cross-entropy and soft patch-level contrast."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from monai.losses import DiceLoss
from torch import Tensor
from torch.nn import functional

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.network import NetworkOutput

CONTRAST_TEMPERATURE = 0.2


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the published ones by default.

    Args:
        dice, cross_entropy, contrast: as in the paper.
        auxiliary: cross-entropy of the coarse map that patches and text make by themselves; not in the paper.
        place: words of place and comparison as axes of the joint space, see ``place_loss``; not in the paper.
        rivals: cross-entropy in what else a prompt could mean, see ``rival_loss``; not in the paper.
        presence: whether what a prompt names is in a picture, see ``presence_loss``; not in the paper.
    """

    dice: float = 0.5
    cross_entropy: float = 0.5
    contrast: float = 0.1
    auxiliary: float = 0.0
    presence: float = 0.0
    place: float = 0.0
    rivals: float = 0.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not 0 <= value < float("inf"):
                raise MedCLIPSegError(f"The weight {name} of the loss is {value}; it must be 0 or more.")


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
