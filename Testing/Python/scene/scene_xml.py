"""What a scene would write into its file."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree


def scene_xml(scene: Any) -> dict[str, str]:
    """Return the XML of each node that is saved, by its ID, in the order of the scene."""
    was = scene.GetSaveToXMLString()
    scene.SetSaveToXMLString(1)
    assert scene.Commit()
    scene.SetSaveToXMLString(was)
    elements = ElementTree.fromstring(scene.GetSceneXMLString())
    return {element.get("id", ""): ElementTree.tostring(element, encoding="unicode") for element in elements}


def xml_of(scene: Any, *nodes: Any) -> list[str]:
    """Return the XML of some nodes."""
    present = scene_xml(scene)
    return [present[node.GetID()] for node in nodes]
