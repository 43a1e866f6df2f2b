"""Voxel axes that aren't at right angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHEAR_TOLERANCE = 1e-4
"""Largest product of two unit vectors along voxel axes that still counts as a right angle."""


def is_sheared(matrix: NDArray[np.float64]) -> bool:
    """True when the voxel axes of a (4, 4) IJK-to-RAS matrix aren't at right angles, as after a tilted gantry."""
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR_TOLERANCE)
