"""The walk through the most uncertain places, in the Review section."""

from functools import partial
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.review.review_values import UNCERTAINTY, Versions, versionsOf
from MedCLIPSegLib.review.uncertainty_note import hasNoSamples
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import oneShot, removeShortcut, setCell, setHeaders, setOneLine, shortcut, silenced

if TYPE_CHECKING:
    from MedCLIPSegLogic.scene.review import Stop

MAX_ROWS = 512
SLICE, UNDECIDED, OUTSIDE = range(3)
NEXT_KEY, PREVIOUS_KEY = "N", "Shift+N"


class SliceTable(Section):
    """Stops of a walk for the selected segment, the most uncertain first; buttons and keys go down and up the list.

    A stop is a slice, shown at its most uncertain region, or a region of an image that has one slice only. A mark shows
    the place in all views until the walk ends: with another segment, a closed section or another module.

    Measured only while the section is open, and again only when the segment or its map has changed.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._table = ui.reviewCollapsibleButton, ui.sliceTable
        self._previous, self._next = ui.previousUncertainButton, ui.nextUncertainButton
        self._stops: list[Stop] = []
        self._versions: Versions | None = None
        self._position = -1
        self._timer = oneShot(self._measure)
        self._keys: list[Any] = []
        setHeaders(self._table, [_("Slice"), _("Undecided"), _("Outside")])
        setOneLine(self._table)
        self._table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        self._table.connect("cellClicked(int,int)", self._onCellClicked)
        self._table.connect("currentCellChanged(int,int,int,int)", self._onCurrentCellChanged)
        self._previous.connect("clicked()", lambda: self._go(self._position - 1))
        self._next.connect("clicked()", lambda: self._go(self._position + 1))
        self._section.connect("contentsCollapsed(bool)", self._onCollapsed)
        self._select()

    def enter(self) -> None:
        """Listen to the keys."""
        self._removeKeys()
        parent = slicer.util.mainWindow() or self._section.parent()
        for key, step in ((NEXT_KEY, 1), (PREVIOUS_KEY, -1)):
            self._keys.append(shortcut(key, parent, partial(self._onKey, step)))

    def exit(self) -> None:
        """Let the keys go and end the walk."""
        self._removeKeys()
        self._end()

    def refresh(self) -> None:
        """Show the stops of the selected row."""
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
        self.exit()
        self._timer.stop()
        self._stops, self._versions = [], None

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
        from MedCLIPSegLogic.scene.review import uncertain_stops

        found: list[Stop] = []
        with self._logic.sayingErrors():
            found = uncertain_stops(
                self._logic.segmentationNode,
                versions.segmentId,
                self._logic.volumeNode,
                slicer.mrmlScene.GetNodeByID(versions.map),
                versions.axis,
            )
        self._show(found[:MAX_ROWS], versions)

    def _show(self, stops: "list[Stop]", versions: Versions | None) -> None:
        """Fill the table; the place in the list stays while it is about the same segment."""
        isSame = versions is not None and self._versions is not None and _subject(versions) == _subject(self._versions)
        here = self._stops[self._position].place if isSame and self._position >= 0 else None
        self._stops, self._versions = stops, versions
        self._position = next((position for position, stop in enumerate(stops) if stop.place == here), -1)
        isSingle = len({stop.index for stop in stops}) < len(stops)
        self._table.horizontalHeaderItem(SLICE).setText(_("Region") if isSingle else _("Slice"))
        toolTip = self._explanation(versions)
        with silenced(self._table):
            self._table.setRowCount(len(stops))
            for position, stop in enumerate(stops):
                number = position if isSingle else stop.index
                setCell(self._table, position, SLICE, str(number + 1), "")
                setCell(self._table, position, UNDECIDED, formatVoxels(stop.undecided), toolTip)
                setCell(self._table, position, OUTSIDE, f"{stop.outside / stop.undecided:.0%}", toolTip)
        if self._position < 0:
            self._end()
        else:
            self._select()

    def _explanation(self, versions: Versions | None) -> str:
        segment = None
        if versions is not None and self._logic.segmentationNode is not None:
            segment = self._logic.segmentationNode.GetSegmentation().GetSegment(versions.segmentId)
        if segment is not None and hasNoSamples(segment):
            return _("voxels; by the entropy of the score map, no samples were drawn")
        return _("voxels; two that are half undecided count as one")

    def _go(self, position: int) -> None:
        """Show a stop in the slice views."""
        if not 0 <= position < len(self._stops) or self._versions is None:
            return
        from MedCLIPSegLogic.scene.place_marker import show_marker
        from MedCLIPSegLogic.scene.views import jump_to_place

        volumeNode = slicer.mrmlScene.GetNodeByID(self._versions.image)
        if volumeNode is None:
            return
        self._position = position
        self._select()
        place = self._stops[position].place
        point = jump_to_place(slicer.mrmlScene, volumeNode, self._versions.axis, place)
        show_marker(slicer.mrmlScene, point, _("MedCLIPSeg: uncertain place"))

    def _end(self) -> None:
        """Be at no stop, and show no mark."""
        from MedCLIPSegLogic.scene.place_marker import hide_marker

        self._position = -1
        hide_marker(slicer.mrmlScene)
        self._select()

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
        self._next.enabled = self._position + 1 < len(self._stops)

    def _onKey(self, step: int) -> None:
        if self._section.collapsed:
            self._section.collapsed = False  # the stops are found in a moment
        elif not 0 <= self._position + step < len(self._stops):
            self._logic.said(_("There is no other uncertain place in this direction."))
        else:
            self._go(self._position + step)

    def _onCollapsed(self, isCollapsed: bool) -> None:
        if isCollapsed:
            self._end()
        self.refresh()

    def _onCellClicked(self, row: int, _column: int) -> None:
        self._go(row)

    def _onCurrentCellChanged(self, row: int, _column: int) -> None:
        """Follow the arrow keys; a click also comes here, before `cellClicked`."""
        if row != self._position:
            self._go(row)

    def _removeKeys(self) -> None:
        for key in self._keys:
            removeShortcut(key)
        self._keys = []


def formatVoxels(count: float) -> str:
    """A number of undecided voxels; fractions of small ones count."""
    return f"{count:.0f}" if count >= 10 else f"{count:.1f}"


def _subject(versions: Versions) -> tuple[str, str, int]:
    return versions.segmentId, versions.image, versions.axis
