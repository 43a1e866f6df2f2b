"""What became of each row of the prompt table."""

from typing import Any

from MedCLIPSegLib.prompts.prompt_rows import PromptRow

NEW, QUEUED, RUNNING, DONE, EMPTY, EDITED, FAILED = "new", "queued", "running", "done", "empty", "edited", "failed"


class RowStates:
    """States of rows: those of the present run are kept here, all others are read from the segments.

    A scene that is loaded therefore shows the states its segments have.
    """

    def __init__(self) -> None:
        self._passing: dict[str, str] = {}
        self._emptiness: dict[str, tuple[int, bool]] = {}

    def set(self, rowIds: list[str], state: str) -> None:
        """Remember that rows are queued, running or failed."""
        self._passing.update(dict.fromkeys(rowIds, state))

    def clear(self, rowIds: list[str]) -> None:
        """Let the segments of rows speak again."""
        for rowId in rowIds:
            self._passing.pop(rowId, None)

    def forget(self) -> None:
        """Forget all rows: the scene was closed."""
        self._passing.clear()
        self._emptiness.clear()

    def stateOf(self, row: PromptRow, segmentationNode: Any, segmentId: str | None) -> str:
        """State of a row whose segment is known.

        Args:
            row: the row.
            segmentationNode: the segmentation, or None.
            segmentId: the row's segment in it, or None.
        """
        if row.rowId in self._passing:
            return self._passing[row.rowId]
        if segmentationNode is None or segmentId is None:
            return NEW
        from MedCLIPSegLogic.scene.tags import is_edited

        if is_edited(segmentationNode.GetSegmentation().GetSegment(segmentId)):
            return EDITED
        return EMPTY if self._isEmpty(segmentationNode, segmentId) else DONE

    def _isEmpty(self, segmentationNode: Any, segmentId: str) -> bool:
        labelmap = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)
        if labelmap is None:
            return True
        modified = labelmap.GetMTime()
        known = self._emptiness.get(segmentId)
        if known is None or known[0] != modified:
            from MedCLIPSegLogic.scene.segmentation import is_empty

            known = (modified, is_empty(segmentationNode, segmentId))
            self._emptiness[segmentId] = known
        return known[1]
