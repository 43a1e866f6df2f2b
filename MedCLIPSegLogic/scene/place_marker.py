"""The mark at the place a walk has come to: one point, which is not saved and belongs to no list of results."""

from __future__ import annotations

from collections.abc import Sequence

import slicer

from .nodes import Scene, nodes_of_class

_ATTRIBUTE = "MedCLIPSeg.PlaceMarker"
COLOR = (0.1, 1.0, 0.9)
"""None of the heat colors of maps."""


def show_marker(scene: Scene, point: Sequence[float], name: str) -> None:
    """Mark a place in all views; the mark moves when there is one already.

    Args:
        scene: scene of the views.
        point: R, A and S in mm.
        name: of the point, for lists of nodes.
    """
    node = _marker(scene)
    if node is None:
        node = _add(scene, name)
    if node.GetNumberOfControlPoints() == 0:
        node.AddControlPointWorld(*point)
    else:
        node.SetNthControlPointPositionWorld(0, *point)


def hide_marker(scene: Scene) -> None:
    """Take the mark out of the scene; does nothing when there is none."""
    node = _marker(scene)
    if node is not None:
        for each in (node.GetDisplayNode(), node):
            if each is not None:
                scene.RemoveNode(each)


def _marker(scene: Scene) -> slicer.vtkMRMLMarkupsFiducialNode | None:
    nodes = nodes_of_class(scene, "vtkMRMLMarkupsFiducialNode")
    return next((node for node in nodes if node.GetAttribute(_ATTRIBUTE) == "1"), None)


def _add(scene: Scene, name: str) -> slicer.vtkMRMLMarkupsFiducialNode:
    node = slicer.vtkMRMLMarkupsFiducialNode()
    node.SetName(name)
    node.SetAttribute(_ATTRIBUTE, "1")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetLocked(True)  # clicks go to the image
    scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetGlyphType(slicer.vtkMRMLMarkupsDisplayNode.Cross2D)
    display.SetGlyphScale(4)
    for set_color in (display.SetColor, display.SetSelectedColor):
        set_color(*COLOR)
    return node
