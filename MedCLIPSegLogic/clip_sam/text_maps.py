"""Which words of a prompt an image speaks for: the text side of both saliency methods."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gscorecam import SMALLEST_RANGE, GScoreCam
from .m2ib import M2IB, fit_bottleneck
from .map_geometry import to_unit_range
from .towers import LOGIT_SCALE, ClipTowers

WordMap = list[tuple[str, float]]
"""Words of the prompt in order, each with its weight 0…1, the largest of its pieces."""
TEXT_SETTINGS = M2IB(layer=9, beta=0.3)
"""Of the released text maps."""


def m2ib_text(
    towers: ClipTowers, pixels: NDArray[np.uint8], prompt: str, settings: M2IB = TEXT_SETTINGS
) -> Generator[None, None, WordMap]:
    """Information every word must keep for the prompt to stay close to the image.

    Args:
        towers: to ask.
        pixels: (H, W, 3), R, G, B.
        prompt: one text.
        settings: of the fit.

    Raises:
        MedCLIPSegError: the model knows no word of the prompt.
    """
    ids, layer = towers.tokenize([prompt]), settings.layer_of(towers.text_blocks)
    with torch.no_grad():
        image = towers.image_vectors(towers.prepare(pixels).input)[0]
        tokens, state = towers.begin_text(ids, layer)
    kept = yield from fit_bottleneck(tokens, lambda noisy: towers.finish_text(noisy, layer + 1, state), image, settings)
    return _words(towers, ids, kept)


def gscorecam_text(
    towers: ClipTowers, pixels: NDArray[np.uint8], prompt: str, settings: GScoreCam | None = None
) -> Generator[None, None, WordMap]:
    """gScoreCAM over the words: channels of the tokens that enter the last text block, by what the prompt scores when
    only the words of a channel are left.

    Args:
        towers: to ask.
        pixels: (H, W, 3), R, G, B.
        prompt: one text.
        settings: number of channels and batch; the layer is always that one.

    Raises:
        MedCLIPSegError: the model knows no word of the prompt.
    """
    settings, last = settings or GScoreCam(), towers.text_blocks - 1
    ids = towers.tokenize([prompt])
    with torch.no_grad():
        image = towers.image_vectors(towers.prepare(pixels).input)[0]
        embedded, state = towers.begin_text(ids, -1)
        entering, _ = towers.begin_text(ids, last - 1)
    entering = entering.requires_grad_()
    with torch.enable_grad():
        logit = LOGIT_SCALE * towers.finish_text(entering, last, state)[0] @ image
    (gradient,) = torch.autograd.grad(logit, entering)
    activations = entering.detach()[0]
    kept = gradient[0].mean(dim=0).topk(settings.channels_of(activations.shape[1])).indices
    yield
    scores = []
    for part in kept.split(settings.batch):
        chosen = activations[:, part]
        low, high = chosen.amin(dim=0), chosen.amax(dim=0)
        masks = ((chosen - low) / (high - low + SMALLEST_RANGE)).T
        with torch.no_grad():
            vectors = torch.cat([towers.finish_text(embedded * mask[:, None], 0, state) for mask in masks])
        scores.append(LOGIT_SCALE * vectors @ image)
        yield
    weights = activations.new_zeros(activations.shape[1])
    weights[kept] = torch.cat(scores).softmax(dim=0)
    return _words(towers, ids, activations @ weights)


def _words(towers: ClipTowers, ids: Tensor, values: Tensor) -> WordMap:
    """The words between the marks of start and end, with the values of their tokens stretched to 0…1.

    There is nothing to compare a single token with: it has all the weight.
    """
    words = towers.words(ids[0])
    inside = [position for _, positions in words for position in positions]
    stretched = to_unit_range(values[inside]) if len(inside) > 1 else torch.ones(len(inside))
    weights = dict(zip(inside, stretched.tolist(), strict=True))
    return [(word, max(weights[position] for position in positions)) for word, positions in words]
