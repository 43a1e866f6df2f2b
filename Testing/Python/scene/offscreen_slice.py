"""A slice view without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
import vtkmodules.vtkInteractionStyle
import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from MedCLIPSegLab.results.headless_scene import HeadlessScene

DISPLAYABLE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
)


class OffscreenSlice:
    """Draws what a slice view of the application would show: layers, segments and the color legend."""

    def __init__(self, session: HeadlessScene, name: str, size: tuple[int, int] = (480, 400)) -> None:
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetSize(*size)
        renderer = vtk.vtkRenderer()
        renderer.GetActiveCamera().ParallelProjectionOn()
        self._window.AddRenderer(renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(session.application_logic)
        for manager in DISPLAYABLE_MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.SetRenderer(renderer)
        self._group.Initialize(factory, renderer)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(session.application_logic)
        session.application_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(session.scene)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation("Axial")
        self._group.SetMRMLDisplayableNode(self.node)
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        renderer.AddViewProp(actor)
        self.logic.ResizeSliceNode(*size)

    def show(self, volume_node: slicer.vtkMRMLVolumeNode) -> None:
        """Put a volume in the background, turn the view to its planes and fit it."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
        self.node.RotateToVolumePlane(volume_node)
        self.logic.FitSliceToBackground()

    def render(self) -> None:
        """Draw."""
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        self._window.Render()

    def pixels(self) -> NDArray[np.uint8]:
        """Return (height, width, 3), the first row on top."""
        self.render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self._window)
        grabber.ReadFrontBufferOff()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        return np.array(vtk_to_numpy(image.GetPointData().GetScalars())).reshape(height, width, -1)[::-1, :, :3]


def write_png(pixels: NDArray[np.uint8], path: Path) -> None:
    """Write (height, width, 3) pixels."""
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
