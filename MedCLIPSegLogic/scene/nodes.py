"""Looking nodes up in a scene."""

from __future__ import annotations

from typing import Any

import slicer


def nodes_of_class(scene: slicer.vtkMRMLScene, class_name: str) -> list[Any]:
    """Return the nodes of a class and its subclasses in scene order."""
    count = scene.GetNumberOfNodesByClass(class_name)
    return [scene.GetNthNodeByClass(index, class_name) for index in range(count)]
