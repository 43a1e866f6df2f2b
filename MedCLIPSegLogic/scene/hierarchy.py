"""Place of results in the subject hierarchy."""

from __future__ import annotations

import slicer


def place_beside(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLNode, volume_node: slicer.vtkMRMLVolumeNode) -> None:
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
