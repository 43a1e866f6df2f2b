"""``slicer.app.layoutManager()``: three slice views."""

from __future__ import annotations

import slicer
import vtk
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from slicerhost.host_scene import HostScene
from slicerhost.slice_view import qMRMLSliceWidget

VIEWS = (
    ("Red", "Axial", (0.953, 0.290, 0.200)),
    ("Green", "Coronal", (0.431, 0.690, 0.294)),
    ("Yellow", "Sagittal", (0.929, 0.835, 0.298)),
)
FOUR_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
ONE_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


class qMRMLLayoutManager(QObject):
    """Holds the views; knows the layouts with all of them and with the red one alone."""

    layoutChanged = Signal(int)

    def __init__(self, hostScene: HostScene, viewport: QWidget) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._layoutNumber = FOUR_UP
        self._isPaused = False
        grid = QGridLayout(viewport)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        self._widgets: dict[str, qMRMLSliceWidget] = {}
        for (name, orientation, color), place in zip(VIEWS, ((0, 0, 1, 2), (1, 0, 1, 1), (1, 1, 1, 1)), strict=True):
            self._widgets[name] = qMRMLSliceWidget(hostScene, name, orientation, color, viewport)
            grid.addWidget(self._widgets[name], *place)

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self._widgets)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> vtk.vtkCollection:
        logics = vtk.vtkCollection()
        for widget in self._widgets.values():
            logics.AddItem(widget.sliceLogic())
        return logics

    def resetSliceViews(self) -> None:
        for widget in self._widgets.values():
            widget.fitSliceToBackground()

    def setRenderPaused(self, isPaused: bool) -> None:
        self._isPaused = isPaused

    def hostRenderAll(self) -> None:
        """Draw every visible view."""
        for widget in self._widgets.values():
            if not widget.isHidden() and not self._isPaused:
                widget.sliceView().forceRender()

    def hostResetViews(self) -> None:
        """Back to the state after a start of the application."""
        self.setLayout(FOUR_UP)
        for widget in self._widgets.values():
            widget.hostResetView()

    def hostClose(self) -> None:
        """Take all views out of the scene."""
        for widget in self._widgets.values():
            widget.hostClose()

    def setLayout(self, number: int) -> None:
        """Show a layout."""
        if number != self._layoutNumber:
            self._layoutNumber = number
            for name, widget in self._widgets.items():
                widget.setVisible(name == "Red" or number != ONE_UP)
            self.layoutChanged.emit(number)

    def viewport(self) -> QWidget:
        return self._viewport

    sliceViewCount = Property(int, lambda self: len(self._widgets))
    threeDViewCount = Property(int, lambda self: 0)
    layout = Property(int, lambda self: self._layoutNumber, setLayout)
