"""The table of slices in the Review section."""

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.review.review_values import UNCERTAINTY, Versions, formatNats, versionsOf
from MedCLIPSegLib.review.uncertainty_note import unitText
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import oneShot, setCell, setHeaders, silenced

if TYPE_CHECKING:
    from MedCLIPSegLogic.scene.review import SliceUncertainty

MAX_ROWS = 512
SLICE, MEAN, BOUNDARY = range(3)


class SliceTable(Section):
    """Slices of the selected segment, most uncertain first, with buttons that walk down and up the list.

    Measured only while the section is open, and again only when the segment or its map has changed.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._table = ui.reviewCollapsibleButton, ui.sliceTable
        self._previous, self._next = ui.previousUncertainButton, ui.nextUncertainButton
        self._slices: list[SliceUncertainty] = []
        self._versions: Versions | None = None
        self._position = -1
        self._timer = oneShot(self._measure)
        setHeaders(self._table, [_("Slice"), _("Mean"), _("Boundary")])
        self._table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        self._table.connect("cellClicked(int,int)", self._onCellClicked)
        self._table.connect("currentCellChanged(int,int,int,int)", self._onCurrentCellChanged)
        self._previous.connect("clicked()", lambda: self._go(self._position - 1))
        self._next.connect("clicked()", lambda: self._go(self._position + 1))
        self._section.connect("contentsCollapsed(bool)", self.refresh)
        self._select()

    def refresh(self) -> None:
        """Show the slices of the selected row."""
        self._timer.stop()
        if self._logic.isWriting:
            return
        versions = self._presentVersions()
        if versions is None:
            self._show([], None)
        elif versions != self._versions and not self._section.collapsed:
            self._timer.start()

    def cleanup(self) -> None:
        """Forget everything: the panel goes away."""
        self._timer.stop()
        self._slices, self._versions = [], None

    def _presentVersions(self) -> Versions | None:
        row, axis = self._logic.currentRow, self._logic.sliceAxis
        segmentId = self._logic.segmentOf(row)
        if row is None or segmentId is None or axis is None:
            return None
        mapNode = self._logic.mapOf(row, UNCERTAINTY)
        if mapNode is None:
            return None
        return versionsOf(self._logic.segmentationNode, segmentId, self._logic.volumeNode, mapNode, axis.axis)

    def _measure(self) -> None:
        versions = self._presentVersions()
        if versions is None or self._section.collapsed or self._logic.isWriting:
            return
        from MedCLIPSegLogic.scene.review import slice_uncertainties

        found: list[SliceUncertainty] = []
        with self._logic.sayingErrors():
            found = slice_uncertainties(
                self._logic.segmentationNode,
                versions.segmentId,
                self._logic.volumeNode,
                slicer.mrmlScene.GetNodeByID(versions.map),
                versions.axis,
            )
        self._show(found[:MAX_ROWS], versions)

    def _show(self, slices: "list[SliceUncertainty]", versions: Versions | None) -> None:
        """Fill the table; the place in the list stays while it is about the same segment."""
        isSame = versions is not None and self._versions is not None and _subject(versions) == _subject(self._versions)
        index = self._slices[self._position].index if isSame and self._position >= 0 else None
        self._slices, self._versions = slices, versions
        self._position = next((place for place, entry in enumerate(slices) if entry.index == index), -1)
        unit = unitText(self._logic.segmentationNode, versions.segmentId) if versions is not None else ""
        with silenced(self._table):
            self._table.setRowCount(len(slices))
            for place, entry in enumerate(slices):
                setCell(self._table, place, SLICE, str(entry.index + 1), "")
                setCell(self._table, place, MEAN, formatNats(entry.mean), unit)
                setCell(self._table, place, BOUNDARY, formatNats(entry.boundary), unit)
        self._select()

    def _go(self, position: int) -> None:
        """Show a slice of the list in the slice views."""
        if not 0 <= position < len(self._slices) or self._versions is None:
            return
        from MedCLIPSegLogic.scene.views import jump_to_slice

        volumeNode = slicer.mrmlScene.GetNodeByID(self._versions.image)
        if volumeNode is None:
            return
        self._position = position
        self._select()
        jump_to_slice(slicer.mrmlScene, volumeNode, self._versions.axis, self._slices[position].index)

    def _select(self) -> None:
        """Show the place in the list."""
        with silenced(self._table):
            if self._position >= 0:
                self._table.setCurrentCell(self._position, SLICE)
                self._table.scrollToItem(self._table.item(self._position, SLICE))
            else:
                self._table.setCurrentCell(-1, -1)
                self._table.clearSelection()
        self._previous.enabled = self._position > 0
        self._next.enabled = self._position + 1 < len(self._slices)

    def _onCellClicked(self, row: int, _column: int) -> None:
        self._go(row)

    def _onCurrentCellChanged(self, row: int, _column: int) -> None:
        """Follow the arrow keys; a click also comes here, before `cellClicked`."""
        if row != self._position:
            self._go(row)


def _subject(versions: Versions) -> tuple[str, str, int]:
    return versions.segmentId, versions.image, versions.axis
