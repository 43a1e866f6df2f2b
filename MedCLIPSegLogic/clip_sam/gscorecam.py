"""gScoreCAM: the channels with the largest gradients, each weighed by what the image scores without the rest.

Used by MedCLIP-SAM (arXiv 2403.20253). The channels are those of the first norm of the last block, whose patches have a
gradient. Released was its second norm: there the gradient of every patch is exactly zero when the class token is read,
so that the choice of channels depends on neither image nor text.
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
from ..inference.clip_towers import LOGIT_SCALE, ClipTowers, PreparedImage, to_pixels, to_unit_range

SMALLEST_RANGE = 1e-6
PUBLISHED_CHANNELS, PUBLISHED_WIDTH = 300, 768
"""Kept channels, and how many the published towers have."""


@checked
class GScoreCam:
    """Settings.

    Args:
        channels: kept channels, those with the largest mean gradient, all in a tower that has no more; None for the
            published share, 300 of 768.
        batch: masked images per step.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    channels: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1)] = 4

    def channels_of(self, width: int) -> int:
        """How many of the channels of a tower of this width are kept; at least 1."""
        if self.channels is not None:
            return min(self.channels, width)
        return max(1, round(PUBLISHED_CHANNELS / PUBLISHED_WIDTH * width))


def gscorecam(
    towers: ClipTowers, pixels: NDArray[np.uint8], text: Tensor, settings: GScoreCam | None = None
) -> Generator[None, None, NDArray[np.float32]]:
    """How much each pixel speaks for a text, in steps of a batch of masked images.

    Args:
        towers: to ask.
        pixels: (H, W, 3), R, G, B.
        text: (D,) unit vector.
        settings: None for the published ones at a layer with gradients.

    Returns:
        (H, W) float32, 0…1; all 0 when no channel says anything.
    """
    settings = settings or GScoreCam()
    image = towers.prepare(pixels)
    activations, gradients = patch_gradients(towers, image, text)

    def score(channels: Tensor) -> Tensor:
        return towers.image_vectors(image.input * _channel_masks(channels, towers)[:, None]) @ text

    combined = (yield from combine_channels(activations, gradients, score, settings)).relu()
    return to_pixels(to_unit_range(combined).view(towers.grid), image)


def combine_channels(
    activations: Tensor, gradients: Tensor, score: Callable[[Tensor], Tensor], settings: GScoreCam
) -> Generator[None, None, Tensor]:
    """The channels with the largest gradients, weighed by their scores: one value a token (T,).

    Args:
        activations, gradients: (T, C).
        score: cosines (c,) with the other side when only what channels (T, c) show is left.
        settings: number of channels and batch.
    """
    kept = gradients.mean(dim=0).topk(settings.channels_of(gradients.shape[1])).indices
    yield
    scores = []
    for part in kept.split(settings.batch):
        with torch.no_grad():
            scores.append(LOGIT_SCALE * score(activations[:, part]))
        yield
    weights = activations.new_zeros(activations.shape[1])
    # Only over the kept channels: where scores are negative, a softmax over all would weigh those left out.
    weights[kept] = torch.cat(scores).softmax(dim=0)
    return activations @ weights


def patch_gradients(towers: ClipTowers, image: PreparedImage, text: Tensor) -> tuple[Tensor, Tensor]:
    """The channels at every patch and the gradient of the image's logit with respect to them, (h·w, C) each."""
    last = towers.blocks - 1
    with torch.no_grad():
        tokens = towers.begin(image.input, last - 1)
    caught: list[Tensor] = []

    def catch(module: object, inputs: object, output: Tensor) -> Tensor:
        caught.append(output.detach().requires_grad_())
        return caught[-1]

    with torch.enable_grad(), towers.norm(last).register_forward_hook(catch):
        logit = LOGIT_SCALE * towers.finish(tokens, last)[0] @ text
    (gradient,) = torch.autograd.grad(logit, caught[0])
    return caught[0].detach()[0, 1:], gradient[0, 1:]


def _channel_masks(channels: Tensor, towers: ClipTowers) -> Tensor:
    """Channels (h·w, C) as masks (C, S, S), each stretched to 0…1."""
    maps = channels.T.reshape(-1, 1, *towers.grid)
    size = (towers.image_size, towers.image_size)
    maps = functional.interpolate(maps, size, mode="bilinear", align_corners=True)[:, 0]
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - low) / (high - low + SMALLEST_RANGE)
