"""Slice views: real MRML pipelines drawn off-screen and shown as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
import vtkmodules.vtkInteractionStyle
import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget
from vtk.util.numpy_support import vtk_to_numpy

DISPLAYABLE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
)
SMALLEST = 64


class qMRMLSliceView(QLabel):
    """The picture of a view.

    Args:
        applicationLogic: of the scene.
        logic: the view's slice logic.
    """

    def __init__(self, applicationLogic: Any, logic: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(QSize(SMALLEST, SMALLEST))
        self._logic = logic
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._renderer = vtk.vtkRenderer()
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(applicationLogic)
        for manager in DISPLAYABLE_MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.SetRenderer(self._renderer)
        self._group.Initialize(factory, self._renderer)
        self._group.SetMRMLDisplayableNode(logic.GetSliceNode())
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self._renderer.AddViewProp(actor)
        self.hostResize(400, 400)

    def hostResize(self, width: int, height: int) -> None:
        """Give the off-screen window a size in pixels."""
        self._window.SetSize(max(width, SMALLEST), max(height, SMALLEST))
        self._logic.ResizeSliceNode(*self._window.GetSize())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.hostResize(event.size().width(), event.size().height())
        super().resizeEvent(event)

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def renderWindow(self) -> vtk.vtkRenderWindow:
        return self._window

    def interactor(self) -> vtk.vtkRenderWindowInteractor:
        return self._interactor

    def displayableManagerByClassName(self, name: str) -> Any:
        return self._group.GetDisplayableManagerByClassName(name)

    def scheduleRender(self) -> None:
        """Nothing: views are drawn when somebody looks (`forceRender`)."""

    def forceRender(self) -> None:
        """Draw and show the picture."""
        pixels = np.ascontiguousarray(self.pixels())
        height, width, _ = pixels.shape
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.setPixmap(QPixmap.fromImage(image))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def pixels(self) -> NDArray[np.uint8]:
        """Draw; return (height, width, 3), the first row on top."""
        self._mapper.SetInputConnection(self._logic.GetImageDataConnection())
        self._window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self._window)
        grabber.ReadFrontBufferOff()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        return np.array(vtk_to_numpy(image.GetPointData().GetScalars())).reshape(height, width, -1)[::-1, :, :3]

    def hostClose(self) -> None:
        """Let the pipelines go before the scene does."""
        self._group.SetMRMLDisplayableNode(None)
        self._mapper.RemoveAllInputConnections(0)
        self._window.Finalize()


class qMRMLSliceWidget(QWidget):
    """A named slice view with its nodes.

    Args:
        hostScene: scene and application logic.
        name: "Red", "Green" or "Yellow".
        orientation: "Axial", "Coronal" or "Sagittal".
        color: of the bar over the view.
    """

    def __init__(
        self,
        hostScene: Any,
        name: str,
        orientation: str,
        color: tuple[float, float, float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._hostScene = hostScene
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(hostScene.applicationLogic)
        hostScene.applicationLogic.GetSliceLogics().AddItem(self._logic)
        self._logic.SetMRMLScene(hostScene.scene)
        node = self._logic.AddSliceNode(name)
        node.SetOrientation(orientation)
        node.SetLayoutColor(*color)
        node.SetMappedInLayout(1)
        self._orientation = orientation
        self._bar = QLabel(name[0], self)
        self._bar.setObjectName("viewBar")
        red, green, blue = (round(255 * part) for part in color)
        self._bar.setStyleSheet(f"background: rgb({red}, {green}, {blue}); color: black; padding-left: 4px;")
        self._view = qMRMLSliceView(hostScene.applicationLogic, self._logic, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._view, 1)

    def sliceLogic(self) -> Any:
        return self._logic

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def hostResetView(self) -> None:
        """Back to the state after a start of the application."""
        self._logic.GetSliceNode().SetOrientation(self._orientation)
        self._view.hostResize(400, 400)

    def hostClose(self) -> None:
        """Take the view and its nodes out of the scene."""
        self._view.hostClose()
        self._hostScene.applicationLogic.GetSliceLogics().RemoveItem(self._logic)
        logic = self._logic
        nodes = (logic.GetSliceNode(), logic.GetSliceCompositeNode(), logic.GetSliceDisplayNode())
        self._logic.SetMRMLScene(None)
        for node in nodes:
            if node is not None and node.GetScene() is not None:
                self._hostScene.scene.RemoveNode(node)
