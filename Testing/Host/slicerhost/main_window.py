"""``slicer.util.mainWindow()``: the module's panel at the left, slice views at the right."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QFrame, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from slicerhost.host_scene import HostScene
from slicerhost.layout_manager import qMRMLLayoutManager


class qSlicerModuleSelectorToolBar(QWidget):
    """Says which module is shown and shows another."""

    moduleSelected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ModuleSelectorToolBar")
        self._selected = ""

    def selectModule(self, name: str) -> None:
        if name != self._selected:
            self._selected = name
            self.moduleSelected.emit(name)

    selectedModule = Property(str, lambda self: self._selected)


class qSlicerMainWindow(QMainWindow):
    """The window.

    Args:
        hostScene: what the views show.
        panelWidth: of the module panel in pixels.
    """

    def __init__(self, hostScene: HostScene, panelWidth: int = 340) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer (test host)")
        self._selector = qSlicerModuleSelectorToolBar(self)
        self._selector.hide()
        viewport = QFrame(self)
        viewport.setObjectName("CentralWidgetLayoutFrame")
        self.setCentralWidget(viewport)
        self._layoutManager = qMRMLLayoutManager(hostScene, viewport)
        self._dock = QDockWidget("Module", self)
        self._dock.setObjectName("PanelDockWidget")
        self._dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self._scroll = QScrollArea(self._dock)
        self._scroll.setObjectName("ModulePanel")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._panels: list[QWidget] = []
        self._frame = QWidget()
        self._layout = layout = QVBoxLayout(self._frame)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addStretch(1)
        self._scroll.setWidget(self._frame)
        self._dock.setWidget(self._scroll)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self._dock)
        self.hostSetPanelWidth(panelWidth)
        self.statusBar()
        self.resize(1200, 900)

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        return self._selector

    def layoutManager(self) -> qMRMLLayoutManager:
        return self._layoutManager

    def modulePanel(self) -> QScrollArea:
        return self._scroll

    def hostSetPanelWidth(self, width: int) -> None:
        """Give the panel a fixed width in pixels."""
        self._dock.setFixedWidth(width)

    def hostShowModule(self, title: str, widget: QWidget | None) -> None:
        """Put a module's widget into the panel; others stay there, hidden, until their module is unloaded."""
        self._dock.setWindowTitle(title)
        # Not layout.itemAt(): PySide keeps what it returns, also when Qt has deleted it with its widget.
        self._panels = [panel for panel in self._panels if shiboken6.isValid(panel) and panel.parent() is self._frame]
        for panel in self._panels:
            if panel is not widget:
                panel.hide()
        if widget is not None:
            if widget not in self._panels:
                self._panels.append(widget)
                self._layout.insertWidget(0, widget)
            widget.show()

    def hostShownFrame(self) -> QWidget:
        """The widget that is scrolled."""
        return self._frame
