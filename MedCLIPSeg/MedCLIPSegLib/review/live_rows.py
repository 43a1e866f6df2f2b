"""Segments that follow at once while a person changes the threshold or the islands of their rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.review.uncertainty_note import hasNoSamples
from MedCLIPSegLib.widgets import oneShot
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.scene.threshold import LiveThreshold

SETTLE_MILLISECONDS = 300


@dataclass(frozen=True, eq=False)
class _LiveRow:
    """A row whose segment follows; one without samples chose its parts by a rule of its method."""

    row: PromptRow
    threshold: "LiveThreshold"
    hasOwnIslands: bool


class LiveRows:
    """One step of undo, from the first change until nothing has changed for a moment.

    Only the voxels follow at once; records, rows and statistics follow when it has come to rest.

    Args:
        logic: has the rows, their segments and maps.
        rowsToChange: rows that a change is for.
    """

    def __init__(self, logic: MedCLIPSegLogic, rowsToChange: Callable[[], list[PromptRow]]) -> None:
        self._logic, self._rowsToChange = logic, rowsToChange
        self._live: list[_LiveRow] | None = None
        self._values: dict[str, Any] = {}
        self._settled = oneShot(self.finish, SETTLE_MILLISECONDS)

    @property
    def areMoving(self) -> bool:
        """True while changes are not recorded yet."""
        return self._live is not None

    def change(self, **values: Any) -> bool:
        """Change ``threshold`` or ``islands`` of the rows; False when they cannot follow, which is said then."""
        try:
            if self._live is None:
                self._live = self._begin()
            self._values |= values
            for live in self._live:
                own = self._valuesFor(live)
                if own:
                    live.threshold.apply(own.get("threshold", live.row.threshold), own.get("islands"))
        except MedCLIPSegError as error:
            self.forget()
            self._logic.said(str(error))
            return False
        self._settled.start()
        return True

    def finish(self) -> None:
        """Record what was changed; called when it has come to rest and before anything else happens."""
        lives, values = self._live, self._values
        if lives is not None:
            with self._logic.sayingErrors():
                for live in lives:
                    live.threshold.finish()
            for live in lives:
                self._logic.rows.update(live.row.rowId, **self._valuesFor(live))
            moved = {live.row.rowId for live in lives}
            for row in self._rowsToChange():
                if row.rowId not in moved and self._logic.segmentOf(row) is None:
                    self._logic.rows.update(row.rowId, **values)
        self.forget()
        if lives is not None:
            self._logic.changed()

    def forget(self) -> None:
        """Record nothing: the panel goes away, the scene closes, or the rows cannot follow."""
        self._settled.stop()
        self._live, self._values = None, {}

    def _valuesFor(self, live: _LiveRow) -> dict[str, Any]:
        return {name: value for name, value in self._values.items() if name != "islands" or not live.hasOwnIslands}

    def _begin(self) -> list[_LiveRow]:
        """Take hold of the segments; undo brings back what they are now.

        Raises:
            MedCLIPSegError: the only segment there is cannot follow.
        """
        from MedCLIPSegLogic.scene.threshold import LiveThreshold

        segmentation, volumeNode = self._logic.segmentationNode, self._logic.volumeNode
        found = [
            (row, self._logic.segmentOf(row), self._logic.mapOf(row, "Probability")) for row in self._rowsToChange()
        ]
        if any(segmentId is not None and mapNode is not None for _row, segmentId, mapNode in found):
            self._logic.saveStateForUndo(segmentation)
        lives: list[_LiveRow] = []
        for row, segmentId, mapNode in found:
            if segmentation is None or segmentId is None or mapNode is None:
                continue
            try:
                threshold = LiveThreshold(segmentation, segmentId, mapNode, volumeNode)
            except MedCLIPSegError as error:
                if len(found) == 1:
                    raise
                self._logic.said(str(error))  # the others follow all the same
                continue
            hasOwnIslands = hasNoSamples(segmentation.GetSegmentation().GetSegment(segmentId))
            lives.append(_LiveRow(row, threshold, hasOwnIslands))
        return lives
