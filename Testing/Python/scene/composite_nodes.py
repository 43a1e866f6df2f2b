"""Slice views as the scene sees them."""

from __future__ import annotations

from typing import Any

import slicer


def add_composite(scene: Any, name: str) -> Any:
    """Add the layers of a slice view."""
    node = slicer.vtkMRMLSliceCompositeNode()
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    node.SetName(name)
    return scene.AddNode(node)
