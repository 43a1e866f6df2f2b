"""The masks of a run that is still going on, in the slice views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..inference.result import SlicePreview
from .arrays import take_voxels, voxel_view
from .colors import Color
from .geometry import follow_transform, ijk_to_ras, voxel_counts, vtk_matrix
from .nodes import Scene, VolumeNode, nodes_of_class

_NAME = "MedCLIPSeg preview"
_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class _View:
    """A slice view and the label layer it had."""

    composite: slicer.vtkMRMLSliceCompositeNode
    label_map: VolumeNode | None
    opacity: float


class RunPreview:
    """Shows previews as label layer of the slice views until it is removed.

    Later prompts lie over earlier ones. Views with another volume in the background are left alone. The nodes come
    with the first preview, are hidden and not saved with the scene; `remove` takes them away and gives the views back
    what they had. Whatever of the scene goes away meanwhile, both methods leave the rest in peace.

    Nodes are held as objects and not by their IDs: a scene that was closed gives the same IDs to other nodes.

    Args:
        scene: scene of the volume.
        volume_node: the image that is segmented.
        colors: one per prompt, red, green and blue in 0…1.
        thresholds: one per prompt, 0…1; a voxel is inside above it.

    Raises:
        MedCLIPSegError: the volume has no voxels.
    """

    def __init__(
        self, scene: Scene, volume_node: VolumeNode, colors: Sequence[Color], thresholds: Sequence[float]
    ) -> None:
        self._scene, self._volume_node = scene, volume_node
        self._shape, self._matrix = voxel_counts(volume_node), ijk_to_ras(volume_node)
        self._colors, self._thresholds = tuple(colors), tuple(thresholds)
        self._label_type = np.min_scalar_type(len(self._colors))
        self._nodes: list[slicer.vtkMRMLNode] = []
        self._views: list[_View] = []
        self._slice: tuple[int, int] | None = None
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def show(self, preview: SlicePreview) -> None:
        """Show what is known of one slice so far; all previews of a slice come before those of the next one.

        Does nothing when the volume or the scene is gone.
        """
        if not self._is_present(self._volume_node) or self._scene.IsBatchProcessing():
            return
        if not self._nodes:
            self._add_nodes()
        label_map = self._nodes[0]
        if not self._is_present(label_map):
            return
        follow_transform(label_map, self._volume_node)
        self._show_in_views(label_map.GetID())
        image = label_map.GetImageData()
        np.moveaxis(voxel_view(image), preview.slice_axis, 0)[preview.slice_index] = self._labels(preview)
        image.GetPointData().GetScalars().Modified()
        image.Modified()

    def remove(self) -> None:
        """Leave the views and the scene as they were; nothing happens the second time."""
        for view in self._views:
            self._restore(view)
        for node in self._nodes:
            if self._is_present(node):
                self._scene.RemoveNode(node)
        self._views, self._nodes, self._slice = [], [], None
        self._masks.clear()

    def _is_present(self, node: slicer.vtkMRMLNode) -> bool:
        return node.GetScene() is self._scene

    def _labels(self, preview: SlicePreview) -> NDArray[Any]:
        """Labels of the previewed slice: number of the prompt + 1, 0 outside of all."""
        place = (preview.slice_axis, preview.slice_index)
        if place != self._slice:
            self._slice = place
            self._masks.clear()
        self._masks[preview.prompt_number] = preview.probability > self._thresholds[preview.prompt_number]
        labels = np.zeros(preview.probability.shape, self._label_type)
        for number, mask in sorted(self._masks.items()):
            labels[mask] = number + 1
        return labels

    def _add_nodes(self) -> None:
        colors = self._added(slicer.vtkMRMLColorTableNode())
        colors.SetTypeToUser()
        colors.SetNumberOfColors(len(self._colors) + 1)
        colors.SetColor(0, "background", 0, 0, 0, 0)
        for number, color in enumerate(self._colors, start=1):
            colors.SetColor(number, str(number), *color, 1)
        display = self._added(slicer.vtkMRMLLabelMapVolumeDisplayNode())
        display.SetAndObserveColorNodeID(colors.GetID())
        image = vtk.vtkImageData()
        take_voxels(image, np.zeros(self._shape, self._label_type))
        label_map = slicer.vtkMRMLLabelMapVolumeNode()
        label_map.SetIJKToRASMatrix(vtk_matrix(self._matrix))
        label_map.SetAndObserveImageData(image)
        label_map = self._added(label_map)
        label_map.SetAndObserveDisplayNodeID(display.GetID())
        self._nodes = [label_map, display, colors]

    def _added(self, node: slicer.vtkMRMLNode) -> slicer.vtkMRMLNode:
        node.SetName(_NAME)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        return self._scene.AddNode(node)

    def _show_in_views(self, label_map_id: str) -> None:
        """Take the views that show the volume now, and give back those that show another one since."""
        known = {view.composite: view for view in self._views}
        for composite in nodes_of_class(self._scene, "vtkMRMLSliceCompositeNode"):
            is_ours = composite.GetBackgroundVolumeID() in (None, "", self._volume_node.GetID())
            if is_ours and composite not in known:
                before = composite.GetLabelVolumeID()
                node = self._scene.GetNodeByID(before) if before else None
                self._views.append(_View(composite, node, composite.GetLabelOpacity()))
                was_modifying = composite.StartModify()
                composite.SetLabelVolumeID(label_map_id)
                composite.SetLabelOpacity(_OPACITY)
                composite.EndModify(was_modifying)
            elif not is_ours and composite in known:
                self._views.remove(known[composite])
                self._restore(known[composite])

    def _restore(self, view: _View) -> None:
        """Give a view back its label layer and opacity, each unless it was changed since."""
        composite, label_map = view.composite, self._nodes[0]
        if not self._is_present(composite):
            return
        # A label map that was removed from the scene has left its layer empty.
        shown = label_map.GetID() if self._is_present(label_map) else None
        was_modifying = composite.StartModify()
        if composite.GetLabelVolumeID() == shown:
            before = view.label_map
            composite.SetLabelVolumeID(before.GetID() if before is not None and self._is_present(before) else None)
        if composite.GetLabelOpacity() == _OPACITY:
            composite.SetLabelOpacity(view.opacity)
        composite.EndModify(was_modifying)
