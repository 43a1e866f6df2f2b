"""Volumes of known content in every orientation."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from MedCLIPSegLogic.volumes.volume import Volume

SIZE_RAS = (3, 4, 5)
SPACING_RAS = (0.7, 1.1, 2.9)
ORIGIN_RAS = (-31.25, 12.5, 104.75)
Orientation = tuple[tuple[int, ...], tuple[int, ...]]
ORIENTATIONS: list[Orientation] = [
    (order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
]
"""All 48 ways to lay the axes I, J, K along R, A, S: the RAS axis of each voxel axis and its sign."""


def phantom_ras() -> NDArray[np.int16]:
    """(R, A, S) array, indices rising to the right, front and top, in which every voxel differs."""
    return np.arange(np.prod(SIZE_RAS), dtype=np.int16).reshape(SIZE_RAS) - 20


def phantom(order: tuple[int, ...], signs: tuple[int, ...], turn: NDArray[np.float64] | None = None) -> Volume:
    """The phantom with its voxel axes laid along the given RAS axes, then turned in space.

    Args:
        order: RAS axis of I, J and K.
        signs: 1 where the index rises towards R, A or S, else -1.
        turn: (3, 3) applied to the axes.
    """
    turn = np.eye(3) if turn is None else turn
    flips = tuple(slice(None, None, sign) for sign in signs)
    ijk = phantom_ras().transpose(order)[flips]
    matrix = np.eye(4)
    origin = np.array(ORIGIN_RAS)
    for voxel_axis, (ras, sign) in enumerate(zip(order, signs, strict=True)):
        column = turn[:, ras] * SPACING_RAS[ras]
        matrix[:3, voxel_axis] = sign * column
        if sign < 0:
            origin = origin + (SIZE_RAS[ras] - 1) * column
    matrix[:3, 3] = origin
    return Volume(np.ascontiguousarray(ijk.transpose(2, 1, 0)), matrix, "phantom")


def rotation(seed: int, largest_degrees: float = 180.0) -> NDArray[np.float64]:
    """(3, 3) rotation about a random axis by up to the given angle (Rodrigues' formula)."""
    random = np.random.default_rng(seed)
    axis = random.normal(size=3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(random.uniform(0.3, 1.0) * largest_degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def turns(largest_degrees: float = 180.0) -> st.SearchStrategy[NDArray[np.float64]]:
    """No turn, or one about any axis by up to the given angle."""
    return st.just(np.eye(3)) | st.integers(0, 10_000).map(lambda seed: rotation(seed, largest_degrees))


orientations = st.sampled_from(ORIENTATIONS)
"""Ways to lay the axes, to draw from."""
