"""Signs of an answer by which it can be told whether to trust it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..knowledge.known import Knowledge
from ..knowledge.understanding import Understanding
from ..volumes.planes import SliceAxis
from .maps import PromptMaps

Ask = Callable[[str, int, bool], NDArray[np.float32]]
"""Probability (H, W) of a pass with the noise at its mean: words, slice, and whether to ask the mirrored image."""


def answer_signs(
    maps: PromptMaps,
    axis: SliceAxis,
    asked: Understanding | None,
    knowledge: Knowledge | None,
    kind: str | None,
    ask: Ask,
) -> dict[str, float]:
    """Measure an answer.

    Args:
        maps: of the prompt, all slices done.
        axis: the slicing.
        asked: the prompt; None for a model without knowledge.
        knowledge: of the model; None when it has none.
        kind: of the image; None where nobody can tell.
        ask: one more pass; costs as much as a sample.

    Returns:
        Signs by name.
    """
    return {}
