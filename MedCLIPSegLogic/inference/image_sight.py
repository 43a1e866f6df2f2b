"""What kind of image a slice is, as far as a model can tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..knowledge.sight import ImageSight
from ..model.library import LoadedModel


def look(model: LoadedModel, pixels: NDArray[np.uint8]) -> ImageSight:
    """Look at a slice before anything is asked.

    Args:
        model: with its network on the device of the run.
        pixels: (H, W) grey or (H, W, 3) color, as the model sees them.
    """
    return ImageSight()
