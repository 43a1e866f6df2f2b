"""What is minimized: one stochastic pass of a batch and the weighted sum of its losses.

Those of MedCLIPSeg (arXiv 2602.20423) are soft Dice, cross-entropy and soft patch-level contrast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from MedCLIPSegLogic.model.network import MedCLIPSeg, NetworkOutput
from MedCLIPSegLogic.model.noise import NoiseSource

from .sampler import TextTargets
from .settings import TrainingSettings
from .text_targets import place_loss, presence_loss, rival_loss

CONTRAST_TEMPERATURE = 0.2


@dataclass(frozen=True, eq=False)
class PassOutput:
    """Result of a pass.

    Args:
        output: of the network.
        plain: unit vectors of images and prompts without adapters, (B, D) each; None when not asked for.
    """

    output: NetworkOutput
    plain: tuple[Tensor, Tensor] | None = None


class TrainingPass(nn.Module):
    """Runs a network; a module of its own, so that DistributedDataParallel sees one forward call per step.

    Args:
        network: to run.
        plain: also compute the vectors without adapters; for a :class:`MedCLIPSeg` only.
    """

    def __init__(self, network: nn.Module, plain: bool = False) -> None:
        super().__init__()
        self.network = network
        self._plain = plain

    def forward(self, images: Tensor, token_ids: Tensor, noise: NoiseSource) -> PassOutput:
        """One stochastic pass of (B, 3, S, S) images and their prompts, in the precision of losses: float32."""
        network, plain = self.network, None
        if self._plain and isinstance(network, MedCLIPSeg):
            image, text = network.encode_images(images), network.encode_text(token_ids)
            output = network.decode(network.meet(image, text), noise)
            first, second = network.plain_vectors(image, text)
            plain = first.float(), second.float()
        else:
            output = network(images, token_ids, noise)
        return PassOutput(NetworkOutput(output.logits.float(), output.patches.float(), output.text.float()), plain)


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 − soft Dice per image, smoothed by one pixel, averaged over the batch.

    Args:
        logits: (B, H, W).
        mask: (B, H, W), 0 and 1.
    """
    return _soft_dice_loss(logits, mask, (-2, -1), 1.0)


def published_row_dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """The published code's Dice, which takes image rows for channels and leaves out row 0; for reproduction only.

    Args:
        logits: (B, H, W).
        mask: (B, H, W), 0 and 1.
    """
    return _soft_dice_loss(logits[:, 1:], mask[:, 1:], (-1,), 1e-5)


def _soft_dice_loss(logits: Tensor, mask: Tensor, over: tuple[int, ...], smoothing: float) -> Tensor:
    """As MONAI's ``DiceLoss``, which the training of adapters shall not need."""
    probability = logits.sigmoid()
    shared = (mask * probability).sum(over)
    together = mask.sum(over) + probability.sum(over)
    return (1.0 - (2.0 * shared + smoothing) / (together + smoothing)).mean()


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


def batch_loss(
    passed: PassOutput, mask: Tensor, settings: TrainingSettings, targets: TextTargets | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum of all losses of a batch and the value of each; a part of weight 0 is not computed.

    Args:
        passed: of the pass.
        mask: (B, H, W) float, 0 and 1.
        settings: weights and kinds of the losses.
        targets: what is known of the prompts; needed for the parts ``presence``, ``place`` and ``rivals``.
    """
    output, plain = passed.output, passed.plain
    logits, patches, text = output.logits, output.patches, output.text
    dice = published_row_dice_loss if settings.dice == "published-rows" else dice_loss
    parts: dict[str, Callable[[], Tensor]] = {
        "dice": lambda: dice(logits, mask),
        "cross_entropy": lambda: functional.binary_cross_entropy_with_logits(logits, mask),
        "contrast": lambda: contrastive_loss(patches, text),
        "auxiliary": lambda: auxiliary_loss(patches, text, mask),
    }
    if targets is not None:
        if plain is not None:
            parts["presence"] = lambda: presence_loss(*plain, targets.presence)
        parts["place"] = lambda: place_loss(patches, text, targets.places, mask, targets.rivals)
        parts["rivals"] = lambda: rival_loss(logits, mask, targets.rivals)
    total, values = logits.new_zeros(()), {}
    for name, compute in parts.items():
        weight = getattr(settings.loss, name)
        if weight > 0:
            value = compute()
            total = total + weight * value
            values[name] = float(value.detach())
    return total, values
