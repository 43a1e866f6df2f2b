"""Moves the boundary of a segment along its stored probability, fast enough to follow a slider."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.result import MAX_ENTROPY
from .arrays import voxel_view
from .geometry import require_shape, require_unchanged_grid, voxel_counts
from .segmentation import oriented_image, was_edited
from .tags import write_threshold_record


class LiveThreshold:
    """One segment, its probability map, and the threshold between them; for as long as a slider is dragged.

    The mask is written into the segment's own labelmap, so that nothing is allocated or copied while dragging. Save
    the state for undo before the first `apply`: the history keeps copies of its own.

    Args:
        segmentation_node: segmentation on the grid and under the transform of the volume.
        segment_id: a segment a run wrote.
        probability_node: its probability map.
        volume_node: the image.

    Raises:
        MedCLIPSegError: the segment was edited by a person, or the map lies on another voxel grid.
    """

    def __init__(
        self,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        segment_id: str,
        probability_node: slicer.vtkMRMLScalarVolumeNode,
        volume_node: slicer.vtkMRMLVolumeNode,
    ) -> None:
        require_shape(probability_node, voxel_counts(volume_node))
        require_unchanged_grid(probability_node, volume_node)
        segmentation = segmentation_node.GetSegmentation()
        segment = segmentation.GetSegment(segment_id)
        if was_edited(segmentation_node, segment_id, volume_node):
            raise MedCLIPSegError(
                f"“{segment.GetName()}” was edited by hand, so its threshold stays; segment the prompt again to get "
                "a segment that follows the threshold."
            )
        # Other segments in the same layer must not change.
        segmentation.SeparateSegmentLabelmap(segment_id)
        self._segment = segment
        self._image = segment.GetRepresentation(slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName())
        self._probability = voxel_view(probability_node.GetImageData())
        self._volume_node = volume_node
        self._threshold: float | None = None
        self._voxels: NDArray[np.bool_] | None = None

    def apply(self, threshold: float) -> None:
        """Make the segment what lies above the threshold, 0…1 exclusive."""
        voxels = self._own_voxels()
        np.greater(self._probability, threshold, out=voxels)
        self._threshold = threshold
        self._image.GetPointData().GetScalars().Modified()
        self._image.Modified()

    def finish(self) -> None:
        """Note the threshold, the mask and its uncertainty on the segment; call it when the slider rests."""
        if self._threshold is None or self._voxels is None:
            return
        inside = self._probability[self._voxels]
        seen = inside if inside.size else self._probability[self._probability > 0]
        mean = float(_entropy(seen).mean()) if seen.size else 0.0
        write_threshold_record(self._segment, self._threshold, self._voxels.view(np.uint8), mean)

    def _own_voxels(self) -> NDArray[np.bool_]:
        """The labelmap's voxels on the whole grid; a written labelmap may be cropped to what is inside."""
        if self._voxels is None:
            whole = oriented_image(np.zeros(self._probability.shape, np.uint8), self._volume_node)
            self._image.ShallowCopy(whole)
            self._segment.SetLabelValue(1)
            self._voxels = voxel_view(self._image).view(np.bool_)
        return self._voxels


def _entropy(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    """Binary entropy in nats, as the uncertainty map holds it."""
    inside = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    return np.clip(-inside * np.log(inside) - (1 - inside) * np.log1p(-inside), 0, MAX_ENTROPY)
