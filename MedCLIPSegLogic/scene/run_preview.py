"""The masks of a run that is still going on, in the slice views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk

from ..inference.result import SlicePreview
from .arrays import fill_image, voxel_view
from .geometry import follow_transform, ijk_to_ras, voxel_counts, vtk_matrix
from .nodes import nodes_of_class
from .palette import Color

_OPACITY = 0.5


class RunPreview:
    """Shows previews as label layer of the slice views with the volume in the background, until it is removed.

    Later prompts lie over earlier ones. The nodes are hidden and not saved; `remove` takes them away and gives the
    views the label layers they had.

    Args:
        scene: scene of the volume.
        volume_node: the image that is segmented.
        colors: one a prompt, red, green and blue in 0…1.
        thresholds: one a prompt, 0…1.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        volume_node: slicer.vtkMRMLVolumeNode,
        colors: Sequence[Color],
        thresholds: Sequence[float],
    ) -> None:
        self._scene = scene
        self._volume_id = volume_node.GetID()
        self._colors, self._thresholds = tuple(colors), tuple(thresholds)
        self._shape = voxel_counts(volume_node)
        self._latest: dict[tuple[int, int], np.ndarray] = {}
        self._nodes: list[slicer.vtkMRMLNode] = []
        self._views: list[tuple[slicer.vtkMRMLSliceCompositeNode, str | None, float]] = []

    def show(self, preview: SlicePreview) -> None:
        """Show what is known of one slice so far; does nothing when the volume is gone."""
        volume_node = self._scene.GetNodeByID(self._volume_id)
        if volume_node is None or voxel_counts(volume_node) != self._shape:
            return
        if not self._nodes:
            self._add_nodes(volume_node)
        self._latest[preview.prompt_number, preview.slice_index] = (
            preview.probability > self._thresholds[preview.prompt_number]
        )
        labels = np.zeros(preview.probability.shape, np.uint8)
        for number in range(len(self._colors)):
            mask = self._latest.get((number, preview.slice_index))
            if mask is not None:
                labels[mask] = number + 1
        image = self._nodes[0].GetImageData()
        np.moveaxis(voxel_view(image), preview.slice_axis, 0)[preview.slice_index] = labels
        image.GetPointData().GetScalars().Modified()
        image.Modified()

    def remove(self) -> None:
        """Leave the views and the scene as they were; nothing happens the second time."""
        label_id = self._nodes[0].GetID() if self._nodes else None
        for composite, before, opacity in self._views:
            if composite.GetScene() is self._scene and composite.GetLabelVolumeID() == label_id:
                composite.SetLabelVolumeID(before)
                composite.SetLabelOpacity(opacity)
        for node in self._nodes:
            if node.GetScene() is self._scene:
                self._scene.RemoveNode(node)
        self._views, self._nodes = [], []
        self._latest.clear()

    def _add_nodes(self, volume_node: slicer.vtkMRMLVolumeNode) -> None:
        label_map = self._added("vtkMRMLLabelMapVolumeNode")
        display = self._added("vtkMRMLLabelMapVolumeDisplayNode")
        colors = self._added("vtkMRMLColorTableNode")
        self._nodes = [label_map, display, colors]
        colors.SetTypeToUser()
        colors.SetNumberOfColors(len(self._colors) + 1)
        colors.SetColor(0, "background", 0, 0, 0, 0)
        for number, color in enumerate(self._colors, start=1):
            colors.SetColor(number, str(number), *color, 1)
        display.SetAndObserveColorNodeID(colors.GetID())
        image = vtk.vtkImageData()
        fill_image(image, np.zeros(self._shape, np.uint8))
        label_map.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras(volume_node)))
        label_map.SetAndObserveImageData(image)
        label_map.SetAndObserveDisplayNodeID(display.GetID())
        follow_transform(label_map, volume_node)
        for composite in nodes_of_class(self._scene, "vtkMRMLSliceCompositeNode"):
            if composite.GetBackgroundVolumeID() == self._volume_id:
                self._views.append((composite, composite.GetLabelVolumeID(), composite.GetLabelOpacity()))
                composite.SetLabelVolumeID(label_map.GetID())
                composite.SetLabelOpacity(_OPACITY)

    def _added(self, class_name: str) -> slicer.vtkMRMLNode:
        node = self._scene.CreateNodeByClass(class_name)
        node.UnRegister(None)
        node.SetName("MedCLIPSeg preview")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        return self._scene.AddNode(node)
