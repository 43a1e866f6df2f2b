"""M2IB: a multi-modal information bottleneck fitted to one image and one text.

Used by MedCLIP-SAMv2 (arXiv 2409.19483).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from ..checked import checked
from ..inference.clip_towers import ClipTowers, to_pixels

START = 5.0
"""Of the gates' logits: at first nearly everything passes."""
PUBLISHED_BLOCKS = 12


@checked
class M2IB:
    """Settings.

    Args:
        layer: block after which the bottleneck lies, counted from 0 in a tower of 12; in a tower of another depth at
            the same share of it.
        beta: weight of the information that is kept (the paper's gamma).
        steps: of the optimizer.
        copies: noisy copies per step.
        rate: of Adam.
        seed: of the noise.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    layer: Annotated[int, Field(ge=0, le=PUBLISHED_BLOCKS - 2)] = 7
    beta: Annotated[float, Field(ge=0)] = 0.1
    steps: Annotated[int, Field(ge=1)] = 10
    copies: Annotated[int, Field(ge=1)] = 10
    rate: Annotated[float, Field(gt=0)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 42

    def layer_of(self, blocks: int) -> int:
        """The layer in a tower of so many blocks; at least one block follows it."""
        return min(blocks - 2, round(self.layer * blocks / PUBLISHED_BLOCKS))


PUBLISHED: dict[str, M2IB] = {
    "default": M2IB(),
    "brain": M2IB(layer=9, beta=2.0, seed=12),
    "breast": M2IB(layer=9, beta=1.0, seed=12),
}
"""Settings of the released scripts by task. Their variance has no effect on the result and is left out; none were
released for the lungs."""


def compression(gates: Tensor, tokens: Tensor) -> Tensor:
    """KL divergence from N(0, 1) of what passes the gates, value by value, in nats.

    −½ (1 + ln (1−λ)² − (λR)² − (1−λ)²) with λ the sigmoid of ``gates``, computed without the logarithm of a number
    that may be 0.

    Args:
        gates: logits of λ, of the shape of ``tokens``.
        tokens: R.
    """
    passed = gates.sigmoid()
    return -0.5 * (1 + 2 * functional.logsigmoid(-gates) - (passed * tokens).square() - (1 - passed).square())


def fit_bottleneck(
    tokens: Tensor, finish: Callable[[Tensor], Tensor], wanted: Tensor, settings: M2IB
) -> Generator[None, None, Tensor]:
    """Information kept of every token, in steps of the optimizer.

    Args:
        tokens: (1, T, W) before the bottleneck.
        finish: makes unit vectors (B, D) of tokens (B, T, W).
        wanted: (D,) unit vector the result must stay close to.
        settings: of the fit.

    Returns:
        (T,) information in nats, of the last pass, summed over the channels.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    gates = torch.full_like(tokens, START, requires_grad=True)
    optimizer = torch.optim.Adam([gates], lr=settings.rate)
    shape = (settings.copies, *tokens.shape[1:])
    kept = tokens.new_zeros(tokens.shape[1])
    for _ in range(settings.steps):
        with torch.enable_grad():
            passed = gates.sigmoid()
            noise = torch.randn(shape, generator=generator).to(tokens)
            information = compression(gates, tokens)
            fit = (finish(passed * tokens + (1 - passed) * noise) @ wanted).mean()
            loss = settings.beta * information.mean() - fit
        kept = information.detach()[0].nansum(dim=-1)
        (gates.grad,) = torch.autograd.grad(loss, gates)
        optimizer.step()
        yield
    return kept


def m2ib(
    towers: ClipTowers, pixels: NDArray[np.uint8], text: Tensor, settings: M2IB | None = None
) -> Generator[None, None, NDArray[np.float32]]:
    """How much of each pixel an image must keep to stay close to a text.

    Args:
        towers: to ask.
        pixels: (H, W, 3), R, G, B.
        text: (D,) unit vector.
        settings: None for the published default.

    Returns:
        (H, W) float32, 0…1.
    """
    settings = settings or M2IB()
    image, layer = towers.prepare(pixels), settings.layer_of(towers.blocks)
    with torch.no_grad():
        tokens = towers.begin(image.input, layer)
    kept = yield from fit_bottleneck(tokens, lambda noisy: towers.finish(noisy, layer + 1), text, settings)
    return to_pixels(kept[1:].view(towers.grid), image)
