"""Keeps the panel and the scene's parameter node in step."""

from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLogic.errors import MedCLIPSegError


class ParameterBinding(VTKObservationMixin):
    """Binds the widgets that carry a ``SlicerParameterName`` to the parameter node.

    Args:
        findNode: gives the scene's parameter node, made anew after a scene was closed.
        ui: the panel's named widgets.
        onModified: called whenever the node changes or is bound or released.
    """

    def __init__(
        self, findNode: Callable[[], MedCLIPSegParameterNode], ui: Any, onModified: Callable[[], None]
    ) -> None:
        super().__init__()
        self.node: MedCLIPSegParameterNode | None = None
        self._findNode = findNode
        self._ui = ui
        self._onModified = onModified
        self._tag: Any = None

    def bind(self) -> None:
        """Show and follow the scene's node, with the first image of the scene when none is chosen."""
        self._unbind()
        self.node = self._findNode()
        if self.node.inputVolume is None:
            self.node.inputVolume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
        self._tag = self.node.connectGui(self._ui)
        self.addObserver(self.node, vtk.vtkCommand.ModifiedEvent, self._onNodeModified)
        self._onModified()

    def pause(self) -> None:
        """Leave the widgets alone while another module is open; the node stays known."""
        if self.node is not None and self._tag is not None:
            self.node.disconnectGui(self._tag)
            self._tag = None

    def release(self) -> None:
        """Forget the node."""
        self._unbind()
        self._onModified()

    def hasInputVolume(self) -> bool:
        """True when there is an image to segment."""
        return self.node is not None and self.node.inputVolume is not None

    def inputVolume(self) -> Any:
        """The image to segment.

        Raises:
            MedCLIPSegError: none is chosen.
        """
        if not self.hasInputVolume():
            raise MedCLIPSegError(_("There is no input image; select one and press Apply again."))
        return self.node.inputVolume

    def segmentationOf(self, volumeId: str) -> Any:
        """The segmentation of an earlier run, or None when it belongs to another image."""
        segmentation = self.node.segmentation if self.node is not None else None
        if segmentation is None:
            return None
        role = segmentation.GetReferenceImageGeometryReferenceRole()
        return segmentation if segmentation.GetNodeReferenceID(role) == volumeId else None

    def _unbind(self) -> None:
        self.pause()
        self.removeObservers()
        self.node = None

    def _onNodeModified(self, _caller: Any, _event: Any) -> None:
        self._onModified()
