"""What the tables of the Review section have in common."""

import math
from typing import Any, NamedTuple

from slicer.i18n import tr as _

UNCERTAINTY = "Uncertainty"
"""Role of the map the tables measure: the total entropy."""

UNKNOWN = "–"
PENDING = "…"


class Versions(NamedTuple):
    """Tells whether a segment, its map or its image changed since it was measured.

    Args:
        segmentId: the segment.
        map: ID of the map; empty without one.
        image: ID of the image.
        axis: array axis across the slices, 0 to 2.
        states: value of the segment in its labelmap, modified times of the labelmap, which several segments may share,
            and of the map's voxels, geometry and parent transform of the image.
    """

    segmentId: str
    map: str
    image: str
    axis: int
    states: tuple[Any, ...]


def versionsOf(segmentationNode: Any, segmentId: str, volumeNode: Any, mapNode: Any, axis: int) -> Versions | None:
    """The present versions; None when the segment has no labelmap or the map, if there is one, no voxels."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    labelmap = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)
    voxels = mapNode.GetImageData() if mapNode is not None else None
    if segment is None or labelmap is None or (mapNode is not None and voxels is None):
        return None
    modified = (labelmap.GetMTime(), voxels.GetMTime() if voxels is not None else 0)
    geometry = (volumeNode.GetSpacing(), volumeNode.GetOrigin(), volumeNode.GetTransformNodeID())
    mapId = mapNode.GetID() if mapNode is not None else ""
    return Versions(segmentId, mapId, volumeNode.GetID(), axis, (segment.GetLabelValue(), *modified, geometry))


def formatNats(value: float | None) -> str:
    """An uncertainty with three decimals; a dash when it isn't known."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.3f}"


def formatSize(voxels: int, volumeMl: float | None, areaMm2: float | None) -> str:
    """Volume or area, the number of pixels when their size isn't known."""
    if volumeMl is not None:
        return _("{volume} ml").format(volume=_short(volumeMl))
    if areaMm2 is not None:
        return _("{area} mm²").format(area=_short(areaMm2))
    return formatCount(voxels, isPicture=True)


def formatCount(voxels: int, isPicture: bool) -> str:
    """A number of voxels, which a picture calls pixels."""
    return (_("{count} pixels") if isPicture else _("{count} voxels")).format(count=voxels)


def _short(value: float) -> str:
    """Three digits at least, without an exponent."""
    if value == 0 or value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.4f}"
