"""Notices when a person changes a segment that a run wrote."""

from collections.abc import Iterable
from typing import Any

import vtk

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.widgets import oneShot

SETTLE_MILLISECONDS = 600
"""Longer than the threshold's slider needs to record what it did: until then its changes look like a person's."""


class EditWatch:
    """Marks edited segments, however they were edited, so that no run overwrites them.

    What counts is whether the mask differs from the one the run left; comparing takes a moment on large images and is
    therefore put off until changes have come to rest.

    Args:
        logic: knows when a run writes, which is no one's edit.
    """

    def __init__(self, logic: MedCLIPSegLogic) -> None:
        self._logic = logic
        self._segmentationNode: Any = None
        self._segmentation: Any = None
        self._tags: list[int] = []
        self._changed: set[str] = set()
        self._compared: dict[str, int] = {}
        self._timer = oneShot(self._settleNext)

    def watch(self, segmentationNode: Any) -> None:
        """Watch a segmentation instead of the present one; None for none."""
        if segmentationNode is self._segmentationNode:
            return
        self._timer.stop()
        for tag in self._tags:
            self._segmentation.RemoveObserver(tag)
        self._tags, self._segmentationNode = [], segmentationNode
        self._segmentation = segmentation = segmentationNode.GetSegmentation() if segmentationNode is not None else None
        self._changed.clear()
        self._compared.clear()
        if segmentation is not None:
            for event, slot in (
                (segmentation.SourceRepresentationModified, self._onVoxelsChanged),
                (segmentation.SegmentModified, self._onSegmentChanged),  # the only event of an undo
                (segmentation.SegmentAdded, self._onSegmentChanged),
                (segmentation.SegmentRemoved, self._onSegmentChanged),
            ):
                self._tags.append(segmentation.AddObserver(event, slot))
            # Segments may have been edited while no one watched.
            self._compareSoon(segmentation.GetSegmentIDs())

    def settle(self) -> None:
        """Mark what was edited now, and let the panel show it."""
        while self._changed:
            self._settleNext()
        self._timer.stop()

    def _settleNext(self) -> None:
        """Compare one segment a turn of the event loop; the panel follows after the last one."""
        if not self._changed or self._logic.parameters is None:
            self._changed.clear()
            return
        self._markIfEdited(self._changed.pop())
        if self._changed:
            self._timer.setInterval(0)
            self._timer.start()
        else:
            self._logic.changed()

    def _compareSoon(self, segmentIds: Iterable[str]) -> None:
        self._changed.update(segmentIds)
        self._timer.setInterval(SETTLE_MILLISECONDS)
        self._timer.start()

    def _onVoxelsChanged(self, segmentation: Any, _event: str) -> None:
        """Takes no call data: it is nothing, an object or a segment's ID, by what changed the voxels."""
        if not self._logic.isWriting:
            self._compareSoon(segmentation.GetSegmentIDs())

    @vtk.calldata_type(vtk.VTK_STRING)
    def _onSegmentChanged(self, _segmentation: Any, _event: str, segmentId: str) -> None:
        if not self._logic.isWriting:
            self._compareSoon([segmentId])

    def _markIfEdited(self, segmentId: str) -> None:
        from MedCLIPSegLogic.scene.segmentation import was_edited
        from MedCLIPSegLogic.scene.tags import is_edited, mark_edited, segment_record

        segment = self._segmentation.GetSegment(segmentId)
        labelmap = self._segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)
        volumeNode = self._logic.volumeNode
        if segment is None or labelmap is None or volumeNode is None:
            return
        if "Prompt" not in segment_record(segment) or is_edited(segment):
            return
        if self._segmentationNode.GetTransformNodeID() != volumeNode.GetTransformNodeID():
            return  # resampled masks differ without anyone's doing; a run compares again before it overwrites
        modified = labelmap.GetMTime()
        if self._compared.get(segmentId) == modified:
            return
        with self._logic.sayingErrors():
            if was_edited(self._segmentationNode, segmentId, volumeNode):
                mark_edited(segment)
            else:
                self._compared[segmentId] = modified
