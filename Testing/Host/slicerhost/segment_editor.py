"""``qMRMLSegmentEditorWidget``: the segment editor on the real logic, with a plain face."""

from __future__ import annotations

from typing import Any

import pythonqt
import slicer
import vtk
from PySide6.QtCore import Property, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slicerhost.scene_observer import SceneObserver

EFFECTS = ("Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Margin", "Smoothing", "Scissors",
           "Islands", "Logical operators", "Mask volume")  # fmt: skip
COLUMNS = 3


class qSlicerSegmentEditorEffect(QObject):
    """A tool by name; it only knows its parameters."""

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._effectName = name
        self.setObjectName(name)
        self._parameters: dict[str, str] = {}

    def parameter(self, name: str) -> str:
        return self._parameters.get(name, "")

    def setParameter(self, name: str, value: Any) -> None:
        self._parameters[name] = str(value)

    name = Property(str, lambda self: self._effectName)


class qMRMLSegmentEditorWidget(QWidget):
    """Segments as a list, tools as buttons, undo and redo by the real history."""

    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    currentSegmentIDChanged = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._observer = SceneObserver(self)
        self._scene: Any = None
        self._node: Any = None
        self._effects = {name: qSlicerSegmentEditorEffect(name, self) for name in EFFECTS}
        self._order: list[str] = []
        self._unordered = True
        self._shortcuts: list[QShortcut] = []
        self._viewTags: list[tuple[Any, int]] = []
        self._flags = {"segmentationNodeSelectorVisible": True, "sourceVolumeNodeSelectorVisible": True}
        self._flags.update({"switchToSegmentationsButtonVisible": True, "autoShowSourceVolumeNode": True})
        self._flags.update({"readOnly": False})
        self._table = QTableWidget(0, 1, self)
        self._table.horizontalHeader().hide()
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.verticalHeader().hide()
        self._table.setMaximumHeight(96)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.itemSelectionChanged.connect(self._onSelected)
        self._buttons: dict[str, QToolButton] = {}
        self._tools = QGridLayout()
        self._undoButton, self._redoButton = self._button("Undo", self.undo), self._button("Redo", self.redo)
        # Product code finds parts of the application's widget by these names.
        self._table.setObjectName("SegmentsTableView")
        self._undoButton.setObjectName("UndoButton")
        self._redoButton.setObjectName("RedoButton")
        history = QWidget(self)
        history.setObjectName("UndoRedoGroupBox")
        row = QHBoxLayout(history)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self._undoButton, self._redoButton):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(self._tools)
        layout.addWidget(history)
        self._showTools()

    # Nodes

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self._logic.SetMRMLScene(scene)

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._observer.release()
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is not None:
            self._observer.observe(node, vtk.vtkCommand.ModifiedEvent, self._show)
            self._observeSegmentation()
        self._observer.observe(self._logic, self._logic.SegmentationHistoryChangedEvent, self._show)
        self._show()

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node is not None else None

    def segmentationNodeID(self) -> str:
        node = self.segmentationNode()
        return node.GetID() if node is not None else ""

    def setSegmentationNode(self, node: Any) -> None:
        if self._node is None or self.segmentationNode() is node:
            self._show()
            return
        if self.segmentationNode() is not None:
            self._observer.release(self.segmentationNode())
        self._logic.SetSegmentationNode(node)
        self._node.SetAndObserveSegmentationNode(node)
        self._observeSegmentation()
        # As in the application: label layers would hide the segments.
        slicer.util.setSliceViewerLayers(label=None)
        self._show()
        self.segmentationNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def setSourceVolumeNode(self, node: Any) -> None:
        if self._node is None or self.sourceVolumeNode() is node:
            return
        self._logic.SetSourceVolumeNode(node)
        self._node.SetAndObserveSourceVolumeNode(node)
        if node is not None and self._flags["autoShowSourceVolumeNode"]:
            slicer.util.setSliceViewerLayers(background=node)
        self.sourceVolumeNodeChanged.emit(node)

    def currentSegmentID(self) -> str:
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, segmentID: str) -> None:
        if self._node is not None and segmentID != self.currentSegmentID():
            self._node.SetSelectedSegmentID(segmentID)
            self.currentSegmentIDChanged.emit(segmentID)

    # Undo

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(count)

    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    def undo(self) -> None:
        self._logic.Undo()
        self._show()

    def redo(self) -> None:
        self._logic.Redo()
        self._show()

    def logic(self) -> Any:
        return self._logic

    # Effects

    def availableEffectNames(self) -> tuple[str, ...]:
        return tuple(self._effects)

    def effectByName(self, name: str) -> qSlicerSegmentEditorEffect | None:
        return self._effects.get(name)

    def activeEffect(self) -> qSlicerSegmentEditorEffect | None:
        return self._effects.get(self._node.GetActiveEffectName() or "") if self._node is not None else None

    def setActiveEffect(self, effect: qSlicerSegmentEditorEffect | None) -> None:
        if self._node is not None:
            self._node.SetActiveEffectName(effect.name if effect is not None else "")

    def setActiveEffectByName(self, name: str) -> None:
        self.setActiveEffect(self._effects.get(name))

    def effectNameOrder(self) -> tuple[str, ...]:
        return tuple(self._order)

    def setEffectNameOrder(self, names: Any) -> None:
        self._order = [name for name in names if name in self._effects]
        self._showTools()

    # Keys and views

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        """Bind keys for undo and redo, Escape and the number keys in the main window."""
        self.uninstallKeyboardShortcuts()
        owner = parent if parent is not None else pythonqt.unwrap(slicer.util.mainWindow())
        if owner is None:
            return
        actions: list[tuple[Any, Any]] = [
            ("Z", self.undo),
            (QKeySequence.StandardKey.Undo, self.undo),
            ("Y", self.redo),
            (QKeySequence.StandardKey.Redo, self.redo),
            ("Escape", lambda: self.setActiveEffect(None)),
        ]
        names = self._visibleEffects()[:9]
        actions += [(str(number), self._chooser(name)) for number, name in enumerate(names, start=1)]
        for keys, act in actions:
            shortcut = QShortcut(QKeySequence(keys), owner)
            shortcut.activated.connect(act)
            self._shortcuts.append(shortcut)

    def uninstallKeyboardShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts.clear()

    def setupViewObservations(self) -> None:
        """Watch the mouse in all slice views, as painting needs."""
        self.removeViewObservations()
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        for name in manager.sliceViewNames():
            interactor = manager.sliceWidget(name).sliceView().interactor()
            tag = interactor.AddObserver(vtk.vtkCommand.LeftButtonPressEvent, lambda _caller, _event: None)
            self._viewTags.append((interactor, tag))

    def removeViewObservations(self) -> None:
        for interactor, tag in self._viewTags:
            interactor.RemoveObserver(tag)
        self._viewTags.clear()

    def hostIsObservingViews(self) -> bool:
        """For tests: True between `setupViewObservations` and `removeViewObservations`."""
        return bool(self._viewTags)

    # Showing

    def _observeSegmentation(self) -> None:
        node = self.segmentationNode()
        if node is not None:
            segmentation = node.GetSegmentation()
            for event in (segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified):
                self._observer.observe(node, event, self._show)

    def _show(self, _data: Any = None) -> None:
        if self.segmentationNode() is None and self._logic.CanUndo():
            self._logic.ClearUndoState()  # the scene was closed; there is nothing left to go back in
        segmentation = self.segmentationNode().GetSegmentation() if self.segmentationNode() is not None else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation is not None else []
        if self._node is not None and ids and self.currentSegmentID() not in ids:
            self.setCurrentSegmentID(ids[0])
        wasBlocked = self._table.blockSignals(True)
        self._table.setRowCount(len(ids))
        for row, segmentID in enumerate(ids):
            segment = self.segmentationNode().GetSegmentation().GetSegment(segmentID)
            swatch = QPixmap(12, 12)
            swatch.fill(QColor.fromRgbF(*segment.GetColor()))
            item = QTableWidgetItem(swatch, segment.GetName())
            item.setData(Qt.ItemDataRole.UserRole, segmentID)
            self._table.setItem(row, 0, item)
            if segmentID == self.currentSegmentID():
                self._table.selectRow(row)
        self._table.blockSignals(wasBlocked)
        self._undoButton.setEnabled(self._logic.CanUndo())
        self._redoButton.setEnabled(self._logic.CanRedo())
        active = self.activeEffect()
        for name, button in self._buttons.items():
            button.setChecked(active is not None and active.name == name)
            button.setEnabled(bool(ids))

    def _onSelected(self) -> None:
        items = self._table.selectedItems()
        if items:
            self.setCurrentSegmentID(items[0].data(Qt.ItemDataRole.UserRole))

    def _visibleEffects(self) -> list[str]:
        return [*self._order, *(name for name in self._effects if self._unordered and name not in self._order)]

    def _showTools(self) -> None:
        for button in self._buttons.values():
            self._tools.removeWidget(button)
            button.deleteLater()
        self._buttons.clear()
        for index, name in enumerate(self._visibleEffects()):
            button = self._button(name, self._chooser(name))
            button.setCheckable(True)
            self._buttons[name] = button
            self._tools.addWidget(button, index // COLUMNS, index % COLUMNS)

    def _button(self, text: str, act: Any) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(text)
        button.clicked.connect(lambda _checked=False: act())
        return button

    def _chooser(self, name: str) -> Any:
        return lambda: self.setActiveEffectByName(name)

    def _setUnordered(self, isVisible: bool) -> None:
        self._unordered = isVisible
        self._showTools()

    unorderedEffectsVisible = Property(bool, lambda self: self._unordered, _setUnordered)
    maximumNumberOfUndoStates = Property(
        int, lambda self: self._logic.GetMaximumNumberOfUndoStates(), setMaximumNumberOfUndoStates
    )
    segmentationNodeSelectorVisible = Property(
        bool,
        lambda self: self._flags["segmentationNodeSelectorVisible"],
        lambda self, value: self._flags.update(segmentationNodeSelectorVisible=value),
    )
    sourceVolumeNodeSelectorVisible = Property(
        bool,
        lambda self: self._flags["sourceVolumeNodeSelectorVisible"],
        lambda self, value: self._flags.update(sourceVolumeNodeSelectorVisible=value),
    )
    switchToSegmentationsButtonVisible = Property(
        bool,
        lambda self: self._flags["switchToSegmentationsButtonVisible"],
        lambda self, value: self._flags.update(switchToSegmentationsButtonVisible=value),
    )
    autoShowSourceVolumeNode = Property(
        bool,
        lambda self: self._flags["autoShowSourceVolumeNode"],
        lambda self, value: self._flags.update(autoShowSourceVolumeNode=value),
    )
    readOnly = Property(
        bool, lambda self: self._flags["readOnly"], lambda self, value: self._flags.update(readOnly=value)
    )
