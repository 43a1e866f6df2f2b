"""A Gaussian across the slices of an answer, so that neighboring slices hold together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..volumes.planes import SliceAxis
from .maps import PromptMaps
from .uncertainty import LEAST_PROBABILITY

WIDEST = 3
"""Standard deviation in lengths of the stack from which on a wider Gaussian would only take longer."""
BLOCK_VOXELS = 1 << 20
"""Voxels that are smoothed at once."""


def smooth(maps: PromptMaps, axis: SliceAxis, indices: Sequence[int], sigma: float) -> Iterator[None]:
    """Replace the probability p by sigmoid(Gaussian along the slice axis of logit(p)), in small steps and in place.

    Mask, entropy and tallies follow from the new probability; the mutual information stays, but is never above the
    entropy. The Gaussian ends at the first and last of the slices; beyond, the end ones go on ("nearest"). Slices that
    were skipped for want of content say nothing: they have no weight for their neighbors, and stay 0.

    Args:
        maps: of a prompt, all slices done; left alone where they are held back or nothing was segmented.
        axis: the slicing.
        indices: slices that were asked for, rising without gaps.
        sigma: standard deviation of the Gaussian in slices, above 0.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.special import expit, logit

    if maps.probability is None or not maps.tallies:
        return
    sigma = min(sigma, WIDEST * len(indices))
    seen = np.array([index in maps.tallies for index in indices])
    weight = gaussian_filter1d(seen.astype(np.float64), sigma, mode="nearest")[seen, None, None]
    slab = np.moveaxis(maps.probability, axis.axis, 0)[indices[0] : indices[-1] + 1]
    rows = max(1, BLOCK_VOXELS // (slab.shape[0] * slab.shape[2]))
    for first in range(0, slab.shape[1], rows):
        block = slab[:, first : first + rows]
        logits = (
            logit(np.clip(block.astype(np.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)) * seen[:, None, None]
        )
        block[seen] = expit(gaussian_filter1d(logits, sigma, axis=0, mode="nearest")[seen] / weight)
        yield
    for index in maps.tallies:
        maps.insert_again(axis, index)
        yield
