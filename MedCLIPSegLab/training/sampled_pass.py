"""Several stochastic passes of a batch in one call, with what the losses need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from MedCLIPSegLogic.model.attention import VARIANCE_FLOOR, ProbabilisticCrossAttention
from MedCLIPSegLogic.model.network import MedCLIPSeg, NetworkOutput
from MedCLIPSegLogic.model.noise import NoiseSource


@dataclass(frozen=True, eq=False)
class SampledOutput:
    """Result of several passes of a batch.

    Args:
        samples: one output a pass, (B, …) each.
        plain: unit vectors of images and prompts without adapters, (B, D) each; None when not asked for.
        divergence: mean KL divergence of the adapters' variances from their prior, in nats a value; None when not
            asked for.
    """

    samples: list[NetworkOutput]
    plain: tuple[Tensor, Tensor] | None = None
    divergence: Tensor | None = None

    def in_float32(self) -> SampledOutput:
        """The same with full precision, in which losses are computed."""
        samples = [NetworkOutput(s.logits.float(), s.patches.float(), s.text.float()) for s in self.samples]
        plain = None if self.plain is None else (self.plain[0].float(), self.plain[1].float())
        return SampledOutput(samples, plain, self.divergence)


class SampledPass(nn.Module):
    """Runs a network several times on the same batch; the towers before the first noise run once.

    A module of its own, so that DistributedDataParallel sees one forward call a step.

    Args:
        network: to run.
        samples: passes.
        prior_variance: of the adapters' keys and values; None leaves the divergence out.
        plain: also compute the vectors without adapters.
    """

    def __init__(
        self, network: nn.Module, samples: int, prior_variance: float | None = None, plain: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self._samples = samples
        self._prior_variance = prior_variance
        self._plain = plain

    def forward(
        self, images: Tensor, token_ids: Tensor, noise: NoiseSource, members: Sequence[int] = (0,)
    ) -> SampledOutput:
        """Run the passes; ``members`` are the sets of adapters they take turns with."""
        if self._prior_variance is None:
            return self._passes(images, token_ids, noise, members)
        with AdapterVariances(self.network) as variances:
            output = self._passes(images, token_ids, noise, members)
        return replace(output, divergence=variance_divergence(variances.values, self._prior_variance))

    def _passes(self, images: Tensor, token_ids: Tensor, noise: NoiseSource, members: Sequence[int]) -> SampledOutput:
        network = self.network
        if not isinstance(network, MedCLIPSeg):
            return SampledOutput([network(images, token_ids, noise) for _ in range(self._samples)])
        image, text = network.encode_images(images), network.encode_text(token_ids)
        pairs = [network.meet(image, text, member) for member in members[: self._samples]]
        samples = [network.decode(pairs[number % len(pairs)], noise) for number in range(self._samples)]
        return SampledOutput(samples, network.plain_vectors(image, text) if self._plain else None)


def shuffled_members(count: int, seed: int, step: int) -> list[int]:
    """The sets of adapters in the order in which a step's samples take turns with them.

    The same in all processes and parts of a batch; with one sample a step, every step trains one set drawn at random.

    Args:
        count: of the sets.
        seed: of the run.
        step: of the run.
    """
    return [int(member) for member in np.random.default_rng([seed, step]).permutation(count)]


class AdapterVariances:
    """Collects the variances of keys and values that the adapters compute while the block runs.

    Args:
        network: whose adapters are watched.
    """

    def __init__(self, network: nn.Module) -> None:
        self.values: list[Tensor] = []
        self._attentions = [m for m in network.modules() if isinstance(m, ProbabilisticCrossAttention)]
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> AdapterVariances:
        for attention in self._attentions:
            for projection in (attention.k_proj, attention.v_proj):
                self._handles.append(projection.register_forward_hook(self._collect))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _collect(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        spread = output.float().chunk(2, dim=-1)[1]
        self.values.append(functional.softplus(spread) + VARIANCE_FLOOR)


def variance_divergence(variances: list[Tensor], prior: float) -> Tensor:
    """Mean KL divergence of N(μ, σ²) from N(μ, prior): ½ (σ²/prior − 1 − ln(σ²/prior)), 0 where σ² = prior.

    The prior is put on the spread alone (the means are layer-normalized, so their distance from 0 is fixed), in the
    spirit of variational inference on the noise of a network (Kingma and Welling 2014, arXiv 1312.6114; Alemi et al.
    2017, arXiv 1612.00410). It does not keep the layers after the noise from averaging it away.

    Args:
        variances: tensors of any shape, above 0.
        prior: variance.
    """
    ratios = [variance / prior for variance in variances]
    return torch.stack([0.5 * (ratio - 1 - ratio.log()).mean() for ratio in ratios]).mean()
