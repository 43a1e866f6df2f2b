"""Contours of the probability over the image: from where it is nearly certain to where it is barely possible."""

from __future__ import annotations

import numpy as np
import slicer

from .arrays import bounding_box, voxel_view
from .colors import HEAT_COLORS
from .geometry import follow_transform, require_shape, require_unchanged_grid, voxel_counts
from .nodes import MapNode, Scene, VolumeNode, nodes_of_class
from .segmentation import oriented_image

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Probabilities above which a voxel lies within a contour."""

_ATTRIBUTE = "MedCLIPSeg.Contours"
_NAME = "MedCLIPSeg contours"


def show_contours(scene: Scene, map_node: MapNode, volume_node: VolumeNode) -> dict[float, int]:
    """Show the contours of a probability map in all views instead of those that are shown; they are never saved.

    Args:
        scene: scene of the views.
        map_node: probability on the voxel grid of the volume.
        volume_node: the image.

    Returns:
        Voxels within the contour of each of ``LEVELS``.

    Raises:
        MedCLIPSegError: the map lies on another grid.
    """
    require_shape(map_node, voxel_counts(volume_node))
    require_unchanged_grid(map_node, volume_node)
    hide_contours(scene)
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(_NAME)
    node.SetAttribute(_ATTRIBUTE, "1")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node = scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    follow_transform(node, volume_node)
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility2DFill(False)
    display.SetVisibility3D(False)
    probability, counts = voxel_view(map_node.GetImageData()), {}
    for level in LEVELS:
        inside = probability > level
        counts[level] = int(np.count_nonzero(inside))
        region = bounding_box(inside)
        if region is None:
            continue
        segment = slicer.vtkSegment()
        segment.SetName(f"{level:.0%}")
        segment.SetColor(*HEAT_COLORS[-1 - round((1 - level) * (len(HEAT_COLORS) - 7))])
        image = oriented_image(inside[region], volume_node, tuple(part.start for part in region))
        segment.AddRepresentation(slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName(), image)
        node.GetSegmentation().AddSegment(segment)
    return counts


def hide_contours(scene: Scene) -> None:
    """Take the contours out of the scene; does nothing when there are none."""
    for node in nodes_of_class(scene, "vtkMRMLSegmentationNode"):
        if node.GetAttribute(_ATTRIBUTE) == "1":
            for each in (node.GetDisplayNode(), node):
                if each is not None:
                    scene.RemoveNode(each)
