"""Gaussian filtering in a space of position and color: the permutohedral lattice.

Adams A, Baek J, Davis M A. Fast High-Dimensional Filtering Using the Permutohedral Lattice. Eurographics 2010. Values
are spread to the corners of the simplices their features lie in, blurred along the lattice directions, and gathered.
"""

from __future__ import annotations

from dataclasses import dataclass

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
