"""What the tables of the Review section have in common."""

import math
from dataclasses import dataclass
from typing import Any

UNCERTAINTY = "Uncertainty"
"""Role of the map the tables measure: the total entropy."""

UNKNOWN = "–"
PENDING = "…"


@dataclass(frozen=True)
class Versions:
    """Tells whether a segment, its map or its image changed since it was measured.

    Args:
        segmentId: the segment.
        label: value of the segment in its labelmap.
        labelmap: modified time of the labelmap, which several segments may share.
        map: ID of the map; empty without one.
        voxels: modified time of the map's voxels; 0 without a map.
        image: ID of the image.
        geometry: the image's own geometry and parent transform.
        axis: array axis across the slices, 0 to 2.
    """

    segmentId: str
    label: int
    labelmap: int
    map: str
    voxels: int
    image: str
    geometry: tuple[Any, ...]
    axis: int


def versionsOf(segmentationNode: Any, segmentId: str, volumeNode: Any, mapNode: Any, axis: int) -> Versions | None:
    """The present versions; None when the segment has no labelmap or the map, if there is one, no voxels."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    labelmap = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)
    image = mapNode.GetImageData() if mapNode is not None else None
    if segment is None or labelmap is None or (mapNode is not None and image is None):
        return None
    return Versions(
        segmentId,
        segment.GetLabelValue(),
        labelmap.GetMTime(),
        mapNode.GetID() if mapNode is not None else "",
        image.GetMTime() if image is not None else 0,
        volumeNode.GetID(),
        (volumeNode.GetSpacing(), volumeNode.GetOrigin(), volumeNode.GetTransformNodeID()),
        axis,
    )


def formatNats(value: float | None) -> str:
    """An uncertainty with three decimals; a dash when it isn't known."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.3f}"
