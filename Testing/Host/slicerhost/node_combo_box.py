"""``qMRMLNodeComboBox``: a list of nodes of the scene."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from slicerhost.scene_observer import SceneObserver

STRING_LIST: Any = "QStringList"
"""Qt takes the name of a type too, which its stubs do not say."""


class qMRMLSortFilterProxyModel(QObject):
    """Says which nodes are left out."""

    invalidated = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hidden: list[str] = []

    def _hiddenNodeIDs(self) -> list[str]:
        return self._hidden

    def _setHiddenNodeIDs(self, ids: list[str]) -> None:
        self._hidden = list(ids or ())
        self.invalidated.emit()

    hiddenNodeIDs = Property(STRING_LIST, _hiddenNodeIDs, _setHiddenNodeIDs)


class qMRMLNodeComboBox(QWidget):
    """Shows nodes by name and follows the scene.

    Without ``noneEnabled`` the first node is chosen as soon as there is one.
    """

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    currentNodeRenamed = Signal(str)
    nodeAdded = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    nodeAddedByUser = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._combo = QComboBox(self)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(6)
        layout.addWidget(self._combo)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self._combo)
        self._scene: Any = None
        self._observer = SceneObserver(self)
        self._shown: list[Any] = []
        self._currentID = ""
        self._isRebuilding = False
        self._nodeTypesValue: list[str] = []
        self._attributes: list[tuple[str, str, Any]] = []
        self._flags = {
            "noneEnabled": False,
            "addEnabled": True,
            "removeEnabled": True,
            "editEnabled": False,
            "renameEnabled": False,
            "showHidden": False,
            "showChildNodeTypes": True,
            "selectNodeUponCreation": True,
        }
        self._texts = {"noneDisplay": "None", "baseName": "", "nodeTypeLabel": ""}
        self._proxy = qMRMLSortFilterProxyModel(self)
        self._proxy.invalidated.connect(self._rebuild)
        self._combo.activated.connect(self._onActivated)

    # Scene

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._observer.release()
        self._scene = scene
        if scene is not None:
            self._observer.observe(scene, scene.NodeAddedEvent, self._onNodeAdded)
            self._observer.observe(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved)
            self._observer.observe(scene, scene.EndBatchProcessEvent, self._onBatchEnded)
        self._rebuild()

    def _onNodeAdded(self, node: Any) -> None:
        if not self._scene.IsBatchProcessing() and self._isOffered(node):
            self._rebuild()
            self.nodeAdded.emit(node)

    def _onNodeAboutToBeRemoved(self, node: Any) -> None:
        if any(shown is node for shown in self._shown):
            self.nodeAboutToBeRemoved.emit(node)
            self._rebuild(leaving=node)

    def _onBatchEnded(self, _data: Any) -> None:
        self._rebuild()

    def _onNodeModified(self, _data: Any) -> None:
        for index, node in enumerate(self._shown):
            place = index + self._offset
            if self._combo.itemText(place) != node.GetName():
                self._combo.setItemText(place, node.GetName())
                if node.GetID() == self._currentID:
                    self.currentNodeRenamed.emit(node.GetName())

    # Nodes

    def currentNode(self) -> Any:
        return next((node for node in self._shown if node.GetID() == self._currentID), None)

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, nodeID: str) -> None:
        if nodeID and all(node.GetID() != nodeID for node in self._shown):
            nodeID = ""
        self._choose(nodeID or "")

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self._shown[index] if 0 <= index < len(self._shown) else None)

    def nodeCount(self) -> int:
        return len(self._shown)

    def nodeFromIndex(self, index: int) -> Any:
        return self._shown[index] if 0 <= index < len(self._shown) else None

    def addAttribute(self, nodeType: str, name: str, value: Any = None) -> None:
        """Offer only nodes of a type that have an attribute."""
        self._attributes.append((nodeType, name, value))
        self._rebuild()

    def sortFilterProxyModel(self) -> qMRMLSortFilterProxyModel:
        return self._proxy

    def addNode(self, nodeType: str = "") -> Any:
        """Make a node, as the user can where ``addEnabled`` is set."""
        kind = nodeType or self._nodeTypesValue[0]
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(self._texts["baseName"] or kind[8:]))
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def hostComboBox(self) -> QComboBox:
        """The list itself, so that a test can choose like a user."""
        return self._combo

    # Showing

    @property
    def _offset(self) -> int:
        return 1 if self._flags["noneEnabled"] else 0

    def _isOffered(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self._flags["showHidden"]:
            return False
        if node.GetID() in self._proxy._hidden:
            return False
        same = node.IsA if self._flags["showChildNodeTypes"] else (lambda name: node.GetClassName() == name)
        if not any(same(name) for name in self._nodeTypesValue):
            return False
        needed = [(name, value) for kind, name, value in self._attributes if node.IsA(kind)]
        return all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)) for name, value in needed
        )

    def _rebuild(self, leaving: Any = None) -> None:
        if self._isRebuilding:
            return
        self._isRebuilding = True
        try:
            for node in self._shown:
                self._observer.release(node)
            self._shown = [node for node in self._nodes() if node is not leaving and self._isOffered(node)]
            for node in self._shown:
                self._observer.observe(node, vtk.vtkCommand.ModifiedEvent, self._onNodeModified)
            wasBlocked = self._combo.blockSignals(True)
            self._combo.clear()
            self._combo.addItems([self._texts["noneDisplay"]] * self._offset + [node.GetName() for node in self._shown])
            self._combo.blockSignals(wasBlocked)
        finally:
            self._isRebuilding = False
        isShown = any(node.GetID() == self._currentID for node in self._shown)
        isNone = self._currentID == "" and self._flags["noneEnabled"]
        if isShown or isNone:
            self._select(self._currentID)
        else:
            first = self._shown[0].GetID() if self._shown and not self._flags["noneEnabled"] else ""
            self._choose(first)

    def _nodes(self) -> list[slicer.vtkMRMLNode]:
        if self._scene is None:
            return []
        return [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]

    def _choose(self, nodeID: str) -> None:
        wasID, self._currentID = self._currentID, nodeID
        self._select(nodeID)
        if nodeID != wasID:
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(nodeID)

    def _select(self, nodeID: str) -> None:
        ids = [node.GetID() for node in self._shown]
        wasBlocked = self._combo.blockSignals(True)
        self._combo.setCurrentIndex(ids.index(nodeID) + self._offset if nodeID in ids else self._offset - 1)
        self._combo.blockSignals(wasBlocked)

    def _onActivated(self, index: int) -> None:
        place = index - self._offset
        self._choose(self._shown[place].GetID() if place >= 0 else "")

    # Properties

    def _getNodeTypes(self) -> list[str]:
        return self._nodeTypesValue

    def _setNodeTypes(self, types: list[str]) -> None:
        self._nodeTypesValue = list(types or ())
        self._rebuild()

    def _setFlag(self, name: str, value: bool) -> None:
        self._flags[name] = value
        self._rebuild()

    def _setText(self, name: str, value: str) -> None:
        self._texts[name] = value
        self._rebuild()

    nodeTypes = Property(STRING_LIST, _getNodeTypes, _setNodeTypes)
    currentNodeID = Property(str, lambda self: self._currentID, setCurrentNodeID, notify=currentNodeIDChanged)
    noneEnabled = Property(
        bool, lambda self: self._flags["noneEnabled"], lambda self, value: self._setFlag("noneEnabled", value)
    )
    addEnabled = Property(
        bool, lambda self: self._flags["addEnabled"], lambda self, value: self._setFlag("addEnabled", value)
    )
    removeEnabled = Property(
        bool, lambda self: self._flags["removeEnabled"], lambda self, value: self._setFlag("removeEnabled", value)
    )
    editEnabled = Property(
        bool, lambda self: self._flags["editEnabled"], lambda self, value: self._setFlag("editEnabled", value)
    )
    renameEnabled = Property(
        bool, lambda self: self._flags["renameEnabled"], lambda self, value: self._setFlag("renameEnabled", value)
    )
    showHidden = Property(
        bool, lambda self: self._flags["showHidden"], lambda self, value: self._setFlag("showHidden", value)
    )
    showChildNodeTypes = Property(
        bool,
        lambda self: self._flags["showChildNodeTypes"],
        lambda self, value: self._setFlag("showChildNodeTypes", value),
    )
    selectNodeUponCreation = Property(
        bool,
        lambda self: self._flags["selectNodeUponCreation"],
        lambda self, value: self._setFlag("selectNodeUponCreation", value),
    )
    noneDisplay = Property(
        str, lambda self: self._texts["noneDisplay"], lambda self, value: self._setText("noneDisplay", value)
    )
    baseName = Property(str, lambda self: self._texts["baseName"], lambda self, value: self._setText("baseName", value))
    nodeTypeLabel = Property(
        str, lambda self: self._texts["nodeTypeLabel"], lambda self, value: self._setText("nodeTypeLabel", value)
    )
