"""Nodes of a scene: looked up, named, and put in their place."""

from __future__ import annotations

import unicodedata
from typing import Any

import slicer
from slicer import vtkMRMLScalarVolumeNode as MapNode
from slicer import vtkMRMLScene as Scene
from slicer import vtkMRMLSegmentationNode as SegmentationNode
from slicer import vtkMRMLVolumeNode as VolumeNode

__all__ = [
    "MapNode",
    "Scene",
    "SegmentationNode",
    "VolumeNode",
    "node_name",
    "nodes_of_class",
    "one_line",
    "place_beside",
]

_UNWRITABLE = frozenset({"Cc", "Cs"})


def nodes_of_class(scene: Scene, class_name: str) -> list[Any]:
    """Return the nodes of a class and its subclasses in scene order."""
    # GetNthNodeByClass counts from the first node at every call.
    return [node for node in scene.GetNodes() if node.IsA(class_name)]


def place_beside(scene: Scene, node: slicer.vtkMRMLNode, volume_node: VolumeNode) -> None:
    """Put a new node into the folder, study or patient that holds the volume.

    Does nothing when the hierarchy doesn't know the volume; the application then lists both at its top.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    none = slicer.vtkMRMLSubjectHierarchyNode.GetInvalidItemID()
    volume_item = none if hierarchy is None else hierarchy.GetItemByDataNode(volume_node)
    if volume_item == none:
        return
    parent = hierarchy.GetItemParent(volume_item)
    item = hierarchy.GetItemByDataNode(node)
    if item == none:
        hierarchy.CreateItem(parent, node)
    else:
        hierarchy.SetItemParent(item, parent)


def one_line(text: str) -> str:
    """Return the text on one line, without control characters and broken Unicode."""
    words = " ".join(text.split())
    return "".join(character for character in words if unicodedata.category(character) not in _UNWRITABLE)


def node_name(text: str, limit: int = 60) -> str:
    """Return the text as (part of) a node's name: one line, at most ``limit`` characters, no "&".

    Scene bundles name files after nodes, and one with "&" in a name can be saved but never loaded again.
    """
    line = one_line(text).replace("&", "+")
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."
