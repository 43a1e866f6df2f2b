"""Maps of patches as maps of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .towers import PreparedImage


def to_unit_range(values: Tensor) -> Tensor:
    """Values stretched to 0…1; all 0 where they do not differ."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values * 0


def to_pixels(patches: Tensor, image: PreparedImage) -> NDArray[np.float32]:
    """A map (h, w) of patches on the image's own grid (H, W), bilinearly, stretched to 0…1.

    Not nearest as in the released code, whose steps of a pixel shift boxes by up to a cell.
    """
    size = image.placement.input_size
    whole = functional.interpolate(patches[None, None].float(), (size, size), mode="bilinear", align_corners=False)
    return to_unit_range(image.placement.restore(whole[0])[0]).cpu().numpy().astype(np.float32)
