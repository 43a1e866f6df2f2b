"""The losses of the small recipe over a large batch, without waiting for the device.

The same values as ``MedCLIPSegLab.training`` computes row by row; see ``test_batch_losses.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from MedCLIPSegLab.training.objective import auxiliary_loss, contrastive_loss
from MedCLIPSegLab.training.settings import LossWeights
from MedCLIPSegLab.training.text_targets import AXES, MIN_SHARE, REACH
from MedCLIPSegLogic.model.network import NetworkOutput


def batch_loss(output: NetworkOutput, labels: Tensor, places: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    """Weighted losses by name, each on the device.

    Args:
        output: of one pass, in float32.
        labels: (B, H, W), 1 for what is asked for, 2 for what else the prompt could mean.
        places: (B, 3).
        weights: of the parts.
    """
    mask, rivals = (labels == 1).float(), (labels == 2).float()
    return {
        "dice": weights.dice * dice(output.logits, mask),
        "cross_entropy": weights.cross_entropy * functional.binary_cross_entropy_with_logits(output.logits, mask),
        "contrast": weights.contrast * contrastive_loss(output.patches, output.text),
        "auxiliary": weights.auxiliary * auxiliary_loss(output.patches, output.text, mask),
        "place": weights.place * place(output.patches, output.text, places, mask, rivals),
        "rivals": weights.rivals * rival(output.logits, mask, rivals),
    }


def dice(logits: Tensor, mask: Tensor) -> Tensor:
    """As ``dice_loss``: 1 − soft Dice an image, smoothed by one pixel; both (B, H, W)."""
    probability = logits.sigmoid()
    both = (probability * mask).sum(dim=(1, 2))
    return (1 - (2 * both + 1) / (probability.sum(dim=(1, 2)) + mask.sum(dim=(1, 2)) + 1)).mean()


def rival(logits: Tensor, mask: Tensor, rivals: Tensor) -> Tensor:
    """As ``rival_loss``; all (B, H, W)."""
    area, other = mask.sum(dim=(1, 2)), rivals.sum(dim=(1, 2))
    inside = (functional.softplus(-logits) * mask).sum(dim=(1, 2)) / area.clamp_min(1)
    outside = (functional.softplus(logits) * rivals).sum(dim=(1, 2)) / other.clamp_min(1)
    both = ((area > 0) & (other > 0)).float()
    return ((inside + outside) * both).sum() / (2 * both.sum()).clamp_min(1)


def place(patches: Tensor, text: Tensor, targets: Tensor, mask: Tensor, rivals: Tensor) -> Tensor:
    """As ``place_loss``: patches (B, C, h, w), text (B, C), targets (B, 3), both masks (B, H, W)."""
    rows, columns = patches.shape[2:]
    down, right = torch.meshgrid(
        torch.linspace(-1, 1, rows, device=patches.device),
        torch.linspace(-1, 1, columns, device=patches.device),
        indexing="ij",
    )
    points = functional.normalize(text, dim=-1)[:, :AXES]
    loss = (points - REACH * targets).square().sum(dim=1).mean()
    loss = loss + (patches[:, :2] - REACH * torch.stack([right, down])).square().sum(dim=1).mean()
    wanted = (functional.adaptive_avg_pool2d(mask, (rows, columns)) > MIN_SHARE).float()
    other = (functional.adaptive_avg_pool2d(rivals, (rows, columns)) > MIN_SHARE).float()
    sign = targets[:, 2, None, None] * (wanted - other)
    compared = (sign != 0).float()
    distance = (patches[:, 2] - REACH * sign).square() * compared
    return loss + distance.sum() / compared.sum().clamp_min(1)
