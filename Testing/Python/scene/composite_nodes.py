"""Slice views as the scene sees them."""

from __future__ import annotations

from typing import Any

import slicer

from MedCLIPSegLogic.scene.map_volumes import map_role
from MedCLIPSegLogic.scene.nodes import nodes_of_class


def add_composite(scene: Any, name: str) -> Any:
    """Add the layers of a slice view."""
    node = slicer.vtkMRMLSliceCompositeNode()
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    node.SetName(name)
    return scene.AddNode(node)


def shown_map(scene: Any) -> Any:
    """The map over the slice views; None when none is shown."""
    nodes = [node.GetForegroundVolumeID() for node in nodes_of_class(scene, "vtkMRMLSliceCompositeNode")]
    found = {scene.GetNodeByID(node_id) for node_id in nodes if node_id}
    return next((node for node in found if node is not None and map_role(node) is not None), None)


def is_changed(scene: Any) -> bool:
    """Whether the scene keeps what the views looked like before a map was shown."""
    nodes = nodes_of_class(scene, "vtkMRMLSliceCompositeNode")
    return any(node.GetAttribute("MedCLIPSeg.ForegroundOpacityBefore") is not None for node in nodes)
