"""Dense conditional random field on a saliency map, as MedCLIP-SAM refines it.

Krähenbühl P, Koltun V. Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials. NIPS 2011. The usual
library has no ready-made package for current Python versions, so the one mean-field step stands here.

Adams A, Baek J, Davis M A. Fast High-Dimensional Filtering Using the Permutohedral Lattice. Eurographics 2010. Values
are spread to the corners of the simplices their features lie in, blurred along the lattice directions, and gathered.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Lattice:
    """A lattice for N points with d features, ready to filter values.

    Args:
        corners: (N, d + 1) numbers of the lattice points around each point; the last number, M, means none.
        weights: (N, d + 1) barycentric weights, each row with the sum 1.
        neighbors: (d + 1, 2, M) numbers of the two neighbors of each lattice point along each direction.
    """

    corners: NDArray[np.int64]
    weights: NDArray[np.float64]
    neighbors: NDArray[np.int64]

    @classmethod
    def around(cls, features: NDArray[np.floating]) -> Lattice:
        """Build the lattice.

        Args:
            features: (N, d), divided by the standard deviation of the Gaussian along each of them.
        """
        d = features.shape[1]
        nearest, rank, offset = _enclosing_simplex(features)
        weights = np.zeros((len(features), d + 2))
        rows = np.arange(len(features))
        for axis in range(d + 1):
            weights[rows, d - rank[:, axis]] += offset[:, axis]
            weights[rows, d + 1 - rank[:, axis]] -= offset[:, axis]
        weights[:, 0] += 1 + weights[:, d + 1]
        # The coordinates of a lattice point sum to 0, so the first d name it.
        points = np.stack([nearest[:, :d] + r - (d + 1) * (rank[:, :d] > d - r) for r in range(d + 1)], axis=1)
        names = _Names(points)
        keys, corners = np.unique(names.of(points).ravel(), return_inverse=True)
        occupied = names.points(keys)
        neighbors = np.empty((d + 1, 2, len(keys)), np.int64)
        for axis in range(d + 1):
            step = np.full(d, -1)
            if axis < d:
                step[axis] = d
            for side, direction in enumerate((step, -step)):
                wanted = names.of(occupied + direction)
                found = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
                neighbors[axis, side] = np.where(keys[found] == wanted, found, len(keys))
        return cls(corners.reshape(len(features), d + 1), weights[:, : d + 1], neighbors)

    def filter(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum over all points of exp(−½ |difference of features|²) times the value, up to one factor for all points.

        Args:
            values: (N,).
        """
        directions, _, count = self.neighbors.shape
        spread = np.bincount(self.corners.ravel(), (self.weights * values[:, None]).ravel(), count + 1)
        for before, after in self.neighbors:
            spread[:count] += 0.5 * (spread[before] + spread[after])
        return (self.weights * spread[self.corners]).sum(axis=1) / (1 + 2.0 ** (1 - directions))


def _enclosing_simplex(
    features: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Nearest lattice point of remainder 0 (N, d + 1), rank of each coordinate in it, and the offset from it."""
    count, d = features.shape
    numbers = np.arange(1, d + 1)
    # A blur along all directions has the deviation that this scale makes 1.
    scaled = features * (np.sqrt(2 / 3) * (d + 1) / np.sqrt(numbers * (numbers + 1)))
    elevated = np.zeros((count, d + 1))
    total = np.zeros(count)
    for axis in range(d, 0, -1):
        elevated[:, axis] = total - axis * scaled[:, axis - 1]
        total += scaled[:, axis - 1]
    elevated[:, 0] = total
    nearest = np.round(elevated / (d + 1)).astype(np.int64)
    excess = nearest.sum(axis=1, keepdims=True)
    nearest *= d + 1
    order = np.argsort(nearest - elevated, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(d + 1), order.shape), axis=1)
    rank += excess
    wrapped = np.where(rank < 0, 1, np.where(rank > d, -1, 0))
    rank += (d + 1) * wrapped
    nearest += (d + 1) * wrapped
    return nearest, rank, (elevated - nearest) / (d + 1)


class _Names:
    """Lattice points as whole numbers, and back."""

    def __init__(self, points: NDArray[np.int64]) -> None:
        d = points.shape[-1]
        self._low = points.reshape(-1, d).min(axis=0) - d - 1  # neighbors may lie outside
        sizes = points.reshape(-1, d).max(axis=0) + d + 2 - self._low
        self._steps = np.concatenate([[1], np.cumprod(sizes)[:-1]])
        self._sizes = sizes

    def of(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        return (points - self._low) @ self._steps

    def points(self, names: NDArray[np.int64]) -> NDArray[np.int64]:
        return names[:, None] // self._steps % self._sizes + self._low


GAUSSIAN_SXY, GAUSSIAN_WEIGHT = 3.0, 3.0
"""Deviation in pixels, and weight, of the kernel that makes the mask smooth; all numbers are those of MedCLIP-SAM."""
BILATERAL_SXY, BILATERAL_SRGB, BILATERAL_WEIGHT = 60.0, 5.0, 5.0
"""Of the kernel that follows the edges of the image: deviations in pixels and in grey levels, and weight."""
TAU = 1.05
"""How much the saliency counts against the kernels; less counts more."""
EPSILON = 1e-8


def refine(saliency: NDArray[np.float32], image: NDArray[np.uint8], iterations: int = 1) -> NDArray[np.float32]:
    """Probability of the foreground in the field.

    The unary energy of a label is −ln(p + ε) / (τ σ(p)) with its share p of the saliency and the logistic function σ;
    pairs have Potts energies with a Gaussian and a bilateral kernel, both normalized symmetrically.

    Args:
        saliency: (H, W), 0…1.
        image: (H, W, 3).
        iterations: mean-field steps.

    Returns:
        (H, W), 0…1; above 0.5 the foreground is the likelier label.
    """
    shares = np.stack([1 - saliency, saliency]).astype(np.float64)
    unary = -np.log(shares + EPSILON) / (TAU / (1 + np.exp(-shares)))
    lattice = Lattice.around(_features(image))

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        blurred = cv2.GaussianBlur(values, (0, 0), GAUSSIAN_SXY, borderType=cv2.BORDER_CONSTANT)
        return blurred.astype(np.float64, copy=False)

    def follow_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return lattice.filter(values.ravel()).reshape(values.shape)

    kernels = [(GAUSSIAN_WEIGHT, smooth), (BILATERAL_WEIGHT, follow_edges)]
    scales = [1 / np.sqrt(kernel(np.ones(saliency.shape)) + EPSILON) for _, kernel in kernels]
    belief = _softmax(-unary)
    for _ in range(iterations):
        energy = -unary
        for (weight, kernel), scale in zip(kernels, scales, strict=True):
            energy = energy + weight * np.stack([scale * kernel(scale * label) for label in belief])
        belief = _softmax(energy)
    return belief[1].astype(np.float32)


def _features(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Position and color (N, 5) in deviations; (N, 3) for a grey image, where the three channels are one direction."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width].reshape(2, -1) / BILATERAL_SXY
    colors = image.reshape(-1, 3) / BILATERAL_SRGB
    if (image == image[..., :1]).all():
        colors = colors[:, :1] * np.sqrt(3)
    return np.column_stack([columns, rows, colors])


def _softmax(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihood = np.exp(energy - energy.max(axis=0))
    return likelihood / likelihood.sum(axis=0)
