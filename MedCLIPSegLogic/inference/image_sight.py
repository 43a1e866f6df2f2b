"""What kind of image a slice is, as far as a model can tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..knowledge.sight import ImageSight
from ..model.library import LoadedModel
from ..model.network import MedCLIPSeg
from ..model.states import ImageState
from .device import to_device
from .naming import name_kind
from .preprocess import place, prepare_slice


def look(
    model: LoadedModel, pixels: NDArray[np.uint8], encode: Callable[[Tensor], ImageState] | None = None
) -> ImageSight:
    """Look at a slice before anything is asked.

    A model that recorded how to tell kinds of image goes by that, another one by its CLIP towers.

    Args:
        model: with its network on the device of the run.
        pixels: (H, W) grey or (H, W, 3) color, as the model sees them.
        encode: encodes an input (3, S, S) exactly, for a run that wants to go on with what comes out.
    """
    rule = model.knowledge.image if model.knowledge is not None else None
    if rule is None:
        return name_kind(model, pixels)
    image = model_input(model, pixels)
    features = _pooled(encode(image)).float().cpu().numpy() if encode else image_features(model.network, [image])
    return rule.sight(features[0])


def model_input(model: LoadedModel, pixels: NDArray[np.uint8]) -> Tensor:
    """A slice (H, W) or (H, W, 3) as input (3, S, S) of the model, its pixels taken as square."""
    config = model.config
    placement = place(pixels.shape[:2], (1.0, 1.0), config.image.image_size, config.preprocessing)
    return prepare_slice(pixels, placement, config.preprocessing)


def image_features(network: MedCLIPSeg, images: list[Tensor]) -> NDArray[np.float32]:
    """Features (B, F) of inputs (3, S, S): what the image tower says of them before any prompt can change it.

    They are means and standard deviations, over the image, of the tokens before the first adapter and of the stem's
    finer features.
    """
    device = next(network.parameters()).device
    with torch.inference_mode():
        return _pooled(network.encode_images(to_device(torch.stack(images), device))).float().cpu().numpy()


def _pooled(state: ImageState) -> Tensor:
    maps = [state.tokens[:, 1:].transpose(1, 2), *(features.flatten(2) for features in state.skips)]
    return torch.cat([part for values in maps for part in (values.mean(dim=2), values.std(dim=2))], dim=1)
