"""Where in a displayed slice a point of the world lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..volumes.planes import SliceAxis
from .nodes import VolumeNode
from .views import ijk_to_world


def slice_share(volume_node: VolumeNode, axis: SliceAxis, point: Sequence[float]) -> tuple[float, float]:
    """Place of a point in the slices of a volume, turned for display as the model sees them.

    Args:
        volume_node: the image; its parent transform is regarded when it is linear.
        axis: how it is sliced.
        point: R, A and S in mm.

    Returns:
        Share of the width from the left and of the height from the top; within 0…1 for points inside the slice.
    """
    index = (np.linalg.inv(ijk_to_world(volume_node)) @ (*point, 1))[2::-1]
    counts = volume_node.GetImageData().GetDimensions()[::-1]
    rows, columns = [each for each in range(3) if each != axis.axis][:: -1 if axis.transposed else 1]
    # Voxel centers lie at whole numbers.
    y, x = ((float(index[each]) + 0.5) / counts[each] for each in (rows, columns))
    return (1 - x if axis.flip_columns else x), (1 - y if axis.flip_rows else y)
