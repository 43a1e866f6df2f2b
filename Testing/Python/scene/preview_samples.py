"""Previews of slices with made-up probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.inference.result import SlicePreview

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def preview(
    values: NDArray[Any], prompt_number: int = 0, slice_index: int = 0, slice_axis: int = 0, samples: int = 1
) -> SlicePreview:
    """Return what the engine yields for a slice whose probability is ``values``."""
    return SlicePreview(prompt_number, slice_axis, slice_index, samples, values.astype(np.float32))
