"""Makes a segment anew from its stored probability, by threshold and islands, fast enough to follow a slider."""

from __future__ import annotations

import numpy as np
import slicer
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.islands import ALL, IslandRule, remove_islands
from .arrays import bounding_box, voxel_view
from .geometry import require_same_grid, require_shape, require_unchanged_grid, voxel_counts
from .map_volumes import PROBABILITY, UNCERTAINTY, find_map, map_prompt, map_role
from .nodes import MapNode, SegmentationNode, VolumeNode
from .segmentation import oriented_image, segment_mask, was_edited
from .tags import island_rule_of, write_threshold_record
from .volumes import outline_of

_LABELMAP = "Binary labelmap"


class LiveThreshold:
    """One segment, its probability map, and threshold and islands between them; for as long as a slider is dragged.

    Islands are kept by the rule on the segment's record until another one is applied. They are those of the whole map,
    also where slices were segmented one after the other.

    The first `apply` gives the segment a labelmap of its own on the whole grid, the others write into it: nothing is
    allocated while dragging, other segments and labelmaps the undo history may hold stay as they are. Save the state
    for undo before the first `apply`. Surfaces made from the segmentation are dropped, as they no longer fit.

    Args:
        segmentation_node: segmentation on the grid and under the transform of the volume.
        segment_id: a segment a run wrote.
        probability_node: its probability map.
        volume_node: the image.

    Raises:
        MedCLIPSegError: no such segment, it was edited by a person, the map is no probability map, or one of them
            lies on another voxel grid than the image.
    """

    def __init__(
        self, segmentation_node: SegmentationNode, segment_id: str, probability_node: MapNode, volume_node: VolumeNode
    ) -> None:
        self._node, self._segment_id = segmentation_node, segment_id
        self._map, self._volume = probability_node, volume_node
        self._image: slicer.vtkOrientedImageData | None = None
        self._threshold: float | None = None
        self._islands: IslandRule = ALL
        self._removed: tuple[int, ...] = ()
        self._written = 0
        if map_role(probability_node) is not PROBABILITY:
            raise MedCLIPSegError(f"“{probability_node.GetName()}” is not a probability map: choose another map.")
        require_unchanged_grid(probability_node, volume_node)
        require_same_grid(segmentation_node, volume_node)
        self._voxel_size, _ = outline_of(volume_node).voxel_measure
        self._probability()
        self._require_own_mask()
        self._islands = island_rule_of(segmentation_node.GetSegmentation().GetSegment(segment_id))

    def apply(self, threshold: float, islands: IslandRule | None = None) -> None:
        """Make the segment what lies above a threshold, without the islands that are not to be kept.

        That is what a run with both gives: ``mask == probability > threshold``, then ``remove_islands``.

        Args:
            threshold: 0…1, exclusive.
            islands: rule from now on; None for the one so far.

        Raises:
            MedCLIPSegError: the threshold is out of range, or the segment or its map was removed, replaced by one of
                another shape or edited meanwhile.
        """
        if not 0 < threshold < 1:
            raise MedCLIPSegError(f"The threshold is {threshold}; it must lie between 0 and 1.")
        probability = self._probability()
        image = self._held()
        if image is None:
            self._require_own_mask()
            image = self._take_hold()
        self._threshold = float(threshold)
        self._islands = self._islands if islands is None else islands
        self._removed = self._fill(voxel_view(image), probability, self._threshold)
        image.GetPointData().GetScalars().Modified()
        image.Modified()
        self._image, self._written = image, image.GetMTime()

    def finish(self) -> None:
        """Record threshold, islands, mask and mean uncertainty on the segment; call it when the slider rests.

        Does nothing when nothing was applied, or when what was applied is gone: undone, painted over or removed.
        """
        image = self._held()
        if image is None or self._threshold is None:
            return
        mask = voxel_view(image)
        region = bounding_box(mask) or (slice(0, 1),) * 3
        segment = self._node.GetSegmentation().GetSegment(self._segment_id)
        uncertainty = self._mean_uncertainty(mask, region)
        write_threshold_record(segment, self._threshold, self._islands, self._removed, mask, uncertainty)
        # A cropped labelmap, as a run leaves it, keeps the states for undo and later writing small.
        first = tuple(part.start for part in region)
        segment.AddRepresentation(_LABELMAP, oriented_image(mask[region], self._volume, first))
        self._image = None

    def _fill(self, mask: NDArray[np.uint8], probability: NDArray[np.float32], threshold: float) -> tuple[int, ...]:
        """Write the mask of threshold and islands; returns the voxels of each island that was removed."""
        np.greater(probability, threshold, out=mask.view(np.bool_))
        return remove_islands(mask, self._islands, self._voxel_size)

    def _held(self) -> slicer.vtkOrientedImageData | None:
        """The segment's labelmap while it is what `apply` wrote last, else None."""
        image = self._image
        if image is not None and image.GetMTime() == self._written and image is self._labelmap():
            return image
        return None

    def _take_hold(self) -> slicer.vtkOrientedImageData:
        segmentation = self._node.GetSegmentation()
        # Clears its voxels in a labelmap it shares with others.
        segmentation.SeparateSegmentLabelmap(self._segment_id)
        image = oriented_image(np.zeros(voxel_counts(self._volume), np.uint8), self._volume)
        segment = segmentation.GetSegment(self._segment_id)
        segment.SetLabelValue(1)
        segment.AddRepresentation(_LABELMAP, image)
        return image

    def _require_own_mask(self) -> None:
        """Make sure that the mask is the work of a run or of this object; raises when there is none, too."""
        if self._threshold is not None:
            mask = segment_mask(self._node, self._segment_id, self._volume)
            own = np.empty_like(mask)
            self._fill(own, self._probability(), self._threshold)
            if np.array_equal(mask, own):
                return
        if was_edited(self._node, self._segment_id, self._volume):
            name = self._node.GetSegmentation().GetSegment(self._segment_id).GetName()
            raise MedCLIPSegError(
                f"“{name}” was edited by hand, so it stays as it is: segment the prompt again to get a segment that "
                "follows threshold and islands."
            )

    def _labelmap(self) -> slicer.vtkOrientedImageData | None:
        segment = self._node.GetSegmentation().GetSegment(self._segment_id)
        return None if segment is None else segment.GetRepresentation(_LABELMAP)

    def _probability(self) -> NDArray[np.float32]:
        require_shape(self._map, voxel_counts(self._volume))
        return voxel_view(self._map.GetImageData())

    def _mean_uncertainty(self, mask: NDArray[np.uint8], region: tuple[slice, ...]) -> float | None:
        """In nats, as a run tells it: inside the mask, or where the run looked when it is empty; None without a map."""
        node = find_map(self._node.GetScene(), self._volume, map_prompt(self._map), UNCERTAINTY)
        if node is None or voxel_counts(node) != mask.shape:
            return None
        uncertainty = voxel_view(node.GetImageData())
        inside = uncertainty[region][mask[region].view(np.bool_)]
        seen = inside if inside.size else uncertainty[self._probability() > 0]
        return float(seen.mean(dtype=np.float64)) if seen.size else None
