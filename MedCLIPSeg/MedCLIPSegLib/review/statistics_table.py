"""The table of segments in the Review section."""

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.review.review_values import (
    PENDING,
    UNKNOWN,
    Versions,
    formatCount,
    formatNats,
    formatSize,
    versionsOf,
)
from MedCLIPSegLib.review.reviews import Reviews, reviewText, reviewWords
from MedCLIPSegLib.review.uncertainty_note import unitText
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import fitHeight, oneShot, setCell, setHeaders, setOneLine, silenced
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.scene.review import SegmentStatistics

NAME, STATE, SIZE, MEAN = range(4)
MOST_ROWS = 6


class StatisticsTable(Section):
    """State of review, size and mean uncertainty of every segment that a run wrote.

    Measuring takes its time on large images: it is done only while the section is open, one segment a turn of the
    event loop, and again only when the segment or its map has changed.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, reviews: Reviews) -> None:
        super().__init__(ui, logic)
        self._reviews = reviews
        self._section, self._table = ui.reviewCollapsibleButton, ui.statisticsTable
        self._measured: dict[str, tuple[Versions, SegmentStatistics | str]] = {}
        self._rowOf: dict[str, int] = {}
        self._timer = oneShot(self._measureNext)
        setHeaders(self._table, [_("Name"), _("State"), _("Size"), _("Mean")])
        self._table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self._table.horizontalHeader().setSectionResizeMode(NAME, qt.QHeaderView.Stretch)
        setOneLine(self._table)
        self._table.connect("cellClicked(int,int)", self._onCellClicked)
        self._section.connect("contentsCollapsed(bool)", self.refresh)

    def refresh(self) -> None:
        """Show the segments of the scene; measures what is not known yet."""
        self._timer.stop()
        if self._section.collapsed or self._logic.isWriting:
            return
        entries = self._entries()
        self._measured = {key: value for key, value in self._measured.items() if key in {entry[0] for entry in entries}}
        self._rowOf = {segmentId: row for row, (segmentId, _name, _map) in enumerate(entries)}
        isComplete = True
        with silenced(self._table):
            self._table.setRowCount(len(entries))
            for row, (segmentId, name, mapNode) in enumerate(entries):
                setCell(self._table, row, NAME, name, name)
                self._showReview(row, segmentId)
                isComplete = self._show(row, segmentId, mapNode) and isComplete
            self._selectCurrent()
        fitHeight(self._table, MOST_ROWS)
        if not isComplete:
            self._timer.start()

    def cleanup(self) -> None:
        """Forget everything: the panel goes away."""
        self._timer.stop()
        self._measured.clear()

    def _entries(self) -> list[tuple[str, str, Any]]:
        """ID, name and uncertainty map of each segment that a run wrote."""
        segmentationNode = self._logic.segmentationNode
        if segmentationNode is None or self._logic.volumeNode is None:
            return []
        from MedCLIPSegLogic.scene.map_volumes import UNCERTAINTY, map_nodes, map_prompt, map_role
        from MedCLIPSegLogic.scene.segmentation import run_segments

        maps: dict[str, Any] = {}
        for node in map_nodes(slicer.mrmlScene, self._logic.volumeNode):
            if map_role(node) is UNCERTAINTY:
                maps.setdefault(map_prompt(node), node)
        return [
            (segmentId, segment.GetName(), maps.get(record["Prompt"]))
            for segmentId, segment, record in run_segments(segmentationNode)
        ]

    def _known(self, segmentId: str, mapNode: Any) -> "SegmentStatistics | str | None":
        """What was measured of the present versions; a text says why it cannot be; None before it is measured."""
        versions = self._versions(segmentId, mapNode)
        if versions is None:
            return _("This segment has no voxels to measure; segment again.")
        known = self._measured.get(segmentId)
        return known[1] if known is not None and known[0] == versions else None

    def _versions(self, segmentId: str, mapNode: Any) -> Versions | None:
        return versionsOf(self._logic.segmentationNode, segmentId, self._logic.volumeNode, mapNode, axis=0)

    def _show(self, row: int, segmentId: str, mapNode: Any) -> bool:
        """Fill one row; False when it still has to be measured."""
        known = self._known(segmentId, mapNode)
        if known is None or isinstance(known, str):
            for column in (SIZE, MEAN):
                setCell(self._table, row, column, PENDING if known is None else UNKNOWN, known or "")
            return known is not None
        isPicture = known.volume_ml is None and known.area_mm2 is None
        setCell(
            self._table,
            row,
            SIZE,
            formatSize(known.voxels, known.volume_ml, known.area_mm2),
            formatCount(known.voxels, isPicture),
        )
        unit = unitText(self._logic.segmentationNode, segmentId)
        setCell(self._table, row, MEAN, formatNats(known.mean_uncertainty), unit)
        return True

    def _showReview(self, row: int, segmentId: str) -> None:
        review = self._reviews.of(segmentId)
        state = review.state if review is not None else "unreviewed"
        setCell(self._table, row, STATE, reviewWords()[state][0], reviewText(review))

    def _measureNext(self) -> None:
        if self._section.collapsed or self._logic.parameters is None or self._logic.isWriting:
            return
        from MedCLIPSegLogic.scene.review import segment_statistics

        pending = [entry for entry in self._entries() if self._known(entry[0], entry[2]) is None]
        for segmentId, _name, mapNode in pending[:1]:
            versions = self._versions(segmentId, mapNode)
            if versions is None:
                continue
            found: SegmentStatistics | str
            try:
                found = segment_statistics(self._logic.segmentationNode, segmentId, self._logic.volumeNode, mapNode)
            except MedCLIPSegError as error:
                found = str(error)
            self._measured[segmentId] = (versions, found)
            if segmentId in self._rowOf:
                self._show(self._rowOf[segmentId], segmentId, mapNode)
        if len(pending) > 1:
            self._timer.start()

    def _selectCurrent(self) -> None:
        segmentId = self._logic.segmentOf(self._logic.currentRow)
        if segmentId in self._rowOf:
            self._table.selectRow(self._rowOf[segmentId])
        else:
            self._table.clearSelection()

    def _onCellClicked(self, row: int, _column: int) -> None:
        """Select the prompt of the segment that was clicked."""
        self._logic.selectSegment(next((key for key, value in self._rowOf.items() if value == row), None))
