"""What nodes looked like before they were changed for a while, in attributes of the nodes themselves.

It therefore survives saving and loading, vanishes when the scene is closed, and never points to nodes that are gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import slicer


def keep(node: slicer.vtkMRMLNode, properties: Mapping[str, str]) -> bool:
    """Note properties of a node.

    Args:
        node: the node.
        properties: names of properties by the attributes they are kept in.

    Returns:
        False, and the node as it is, when they are kept already.
    """
    if is_kept(node, properties):
        return False
    for attribute, name in properties.items():
        node.SetAttribute(attribute, json.dumps(getattr(node, f"Get{name}")()))
    return True


def is_kept(node: slicer.vtkMRMLNode, properties: Mapping[str, str]) -> bool:
    """True between `keep` and `give_back` or `forget`."""
    return node.GetAttribute(next(iter(properties))) is not None


def give_back(node: slicer.vtkMRMLNode, properties: Mapping[str, str]) -> None:
    """Give properties that were kept back to a node; does nothing when none were."""
    if is_kept(node, properties):
        for attribute, name in properties.items():
            getattr(node, f"Set{name}")(json.loads(node.GetAttribute(attribute)))
        forget(node, properties)


def forget(node: slicer.vtkMRMLNode, properties: Mapping[str, str]) -> None:
    """Leave a node as it is now."""
    for attribute in properties:
        node.RemoveAttribute(attribute)
