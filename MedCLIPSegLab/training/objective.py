"""What is minimized: one stochastic pass of a batch and the weighted sum of its losses."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from MedCLIPSegLogic.model.network import MedCLIPSeg, NetworkOutput
from MedCLIPSegLogic.model.noise import NoiseSource

from .losses import total_loss
from .places import place_loss, rival_loss
from .presence import presence_loss
from .sampler import TextTargets
from .settings import TrainingSettings


@dataclass(frozen=True, eq=False)
class PassOutput:
    """Result of a pass.

    Args:
        output: of the network.
        plain: unit vectors of images and prompts without adapters, (B, D) each; None when not asked for.
    """

    output: NetworkOutput
    plain: tuple[Tensor, Tensor] | None = None

    def in_float32(self) -> PassOutput:
        """The same with full precision, in which losses are computed."""
        output = NetworkOutput(self.output.logits.float(), self.output.patches.float(), self.output.text.float())
        return PassOutput(output, None if self.plain is None else (self.plain[0].float(), self.plain[1].float()))


class TrainingPass(nn.Module):
    """Runs a network; a module of its own, so that DistributedDataParallel sees one forward call a step.

    Args:
        network: to run.
        plain: also compute the vectors without adapters; for a :class:`MedCLIPSeg` only.
    """

    def __init__(self, network: nn.Module, plain: bool = False) -> None:
        super().__init__()
        self.network = network
        self._plain = plain

    def forward(self, images: Tensor, token_ids: Tensor, noise: NoiseSource) -> PassOutput:
        """One stochastic pass of (B, 3, S, S) images and their prompts."""
        network = self.network
        if not self._plain or not isinstance(network, MedCLIPSeg):
            return PassOutput(network(images, token_ids, noise))
        image, text = network.encode_images(images), network.encode_text(token_ids)
        output = network.decode(network.meet(image, text), noise)
        return PassOutput(output, network.plain_vectors(image, text))


def batch_loss(
    passed: PassOutput, mask: Tensor, settings: TrainingSettings, targets: TextTargets | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum of all losses of a batch and the value of each.

    Args:
        passed: of the pass.
        mask: (B, H, W) float, 0 and 1.
        settings: weights and kinds of the losses.
        targets: what is known of the prompts; needed for the parts ``presence``, ``place`` and ``rivals``.
    """
    weights, output = settings.loss, passed.output
    total, values = total_loss(output, mask, weights, settings.dice == "published-rows")
    if targets is None:
        return total, values
    parts: list[tuple[str, float, Tensor]] = []
    if passed.plain is not None:
        parts.append(("presence", weights.presence, presence_loss(*passed.plain, targets.presence)))
    if weights.place > 0:
        place = place_loss(output.patches, output.text, targets.places, mask, targets.rivals)
        parts.append(("place", weights.place, place))
    if weights.rivals > 0:
        parts.append(("rivals", weights.rivals, rival_loss(output.logits, mask, targets.rivals)))
    for name, weight, value in parts:
        total = total + weight * value
        values[name] = float(value.detach())
    return total, values
