"""Probability and uncertainty maps as scalar volumes of the scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..inference.result import MAX_ENTROPY, PromptResult, SegmentationResult
from .arrays import copy_voxels, fill_image
from .geometry import follow_transform, ijk_to_ras, require_shape, vtk_matrix
from .heat_colors import heat_color_node
from .hierarchy import place_beside
from .names import node_name
from .nodes import nodes_of_class
from .slices import is_partial, merge_slices
from .tags import decode, encode

ROLE_ATTRIBUTE = "MedCLIPSeg.Role"
PROMPT_ATTRIBUTE = "MedCLIPSeg.Prompt"
MODEL_ATTRIBUTE = "MedCLIPSeg.Model"
INPUT_REFERENCE = "MedCLIPSeg.InputVolume"


@dataclass(frozen=True)
class MapRole:
    """What a map shows.

    Args:
        name: value of the node's role attribute.
        title: text of the legend, with the unit.
        highest: upper end of the fixed display range; the lower end is 0.
        hidden_below: smaller values are transparent.
    """

    name: str
    title: str
    highest: float
    hidden_below: float


PROBABILITY = MapRole("Probability", "Probability", 1.0, 0.05)
UNCERTAINTY = MapRole("Uncertainty", "Uncertainty (nats)", MAX_ENTROPY, 0.05)
MAP_ROLES = (PROBABILITY, UNCERTAINTY)

MapPair = tuple["slicer.vtkMRMLScalarVolumeNode", "slicer.vtkMRMLScalarVolumeNode"]


def write_maps(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode, result: SegmentationResult
) -> list[MapPair]:
    """Write the probability map and the uncertainty map of each prompt, on the grid and transform of the volume.

    Maps of an earlier run of the same prompt on the same volume are updated, only in the slices that were run; what
    the user changed in their names and display stays.

    Returns:
        (probability, uncertainty) float32 volumes, a pair a prompt; probability 0…1, uncertainty 0…ln 2 nats.

    Raises:
        MedCLIPSegError: the result doesn't fit the volume.
    """
    require_shape(volume_node, result.volume.shape)
    pairs: list[MapPair] = []
    for prompt in result.prompts:
        written = {node.GetID() for pair in pairs for node in pair}
        pairs.append(
            (
                _write_map(scene, volume_node, PROBABILITY, prompt.probability, prompt, result, written),
                _write_map(scene, volume_node, UNCERTAINTY, prompt.uncertainty, prompt, result, written),
            )
        )
    return pairs


def map_role(node: slicer.vtkMRMLNode) -> MapRole | None:
    """Return what a map shows; None for nodes that aren't our maps."""
    name = node.GetAttribute(ROLE_ATTRIBUTE)
    return next((role for role in MAP_ROLES if role.name == name), None)


def map_prompt(node: slicer.vtkMRMLNode) -> str:
    """Return the prompt of a map as typed; empty for nodes that aren't our maps."""
    return decode(node.GetAttribute(PROMPT_ATTRIBUTE) or "")


def map_nodes(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode | None = None
) -> Iterator[slicer.vtkMRMLScalarVolumeNode]:
    """Return the maps of one volume, or of all when None, in scene order."""
    for node in nodes_of_class(scene, "vtkMRMLScalarVolumeNode"):
        if map_role(node) is not None and (
            volume_node is None or node.GetNodeReferenceID(INPUT_REFERENCE) == volume_node.GetID()
        ):
            yield node


def find_map(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode, prompt: str, role: MapRole
) -> slicer.vtkMRMLScalarVolumeNode | None:
    """Return the map of a prompt (as typed) on a volume; None if there is none."""
    return next(_matching(scene, volume_node, prompt, role), None)


def _matching(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode, prompt: str, role: MapRole
) -> Iterator[slicer.vtkMRMLScalarVolumeNode]:
    for node in map_nodes(scene, volume_node):
        if map_role(node) is role and map_prompt(node) == prompt:
            yield node


def _write_map(
    scene: slicer.vtkMRMLScene,
    volume_node: slicer.vtkMRMLVolumeNode,
    role: MapRole,
    values: NDArray[np.float32],
    prompt: PromptResult,
    result: SegmentationResult,
    written: set[str],
) -> slicer.vtkMRMLScalarVolumeNode:
    """Write one map; nodes with an ID in ``written`` belong to other prompts of the run."""
    candidates = _matching(scene, volume_node, prompt.prompt, role)
    node = next((candidate for candidate in candidates if candidate.GetID() not in written), None)
    if node is None:
        node = _add_map_node(scene, volume_node, prompt, role)
    elif is_partial(result):
        values = _merged_with_earlier(node, values, result)
    node.SetAttribute(ROLE_ATTRIBUTE, role.name)
    node.SetAttribute(PROMPT_ATTRIBUTE, encode(prompt.prompt))
    node.SetAttribute(MODEL_ATTRIBUTE, encode(str(result.settings.get("model", ""))))
    # A reference, not an attribute: it follows when loading a scene renames IDs.
    node.SetNodeReferenceID(INPUT_REFERENCE, volume_node.GetID())
    image = vtk.vtkImageData()
    fill_image(image, values.astype(np.float32, copy=False))
    node.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras(volume_node)))
    node.SetAndObserveImageData(image)
    follow_transform(node, volume_node)
    if node.GetDisplayNode() is None:
        _add_display(scene, node, role)
    return node


def _add_map_node(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLVolumeNode, prompt: PromptResult, role: MapRole
) -> slicer.vtkMRMLScalarVolumeNode:
    title = f"{node_name(volume_node.GetName())} {node_name(prompt.name)} {role.name.lower()}"
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(title))
    place_beside(scene, node, volume_node)
    return node


def _merged_with_earlier(
    node: slicer.vtkMRMLScalarVolumeNode, values: NDArray[np.float32], result: SegmentationResult
) -> NDArray[np.float32]:
    image = node.GetImageData()
    if image is None or image.GetDimensions() != values.shape[::-1]:
        return values
    return merge_slices(copy_voxels(image), values, result)


def _add_display(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLScalarVolumeNode, role: MapRole) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    # A fixed range keeps runs, prompts and slices comparable.
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, role.highest)
    # The upper end is open: the largest float32 values may exceed the bound by rounding.
    display.SetThreshold(role.hidden_below, 2 * role.highest)
    display.ApplyThresholdOn()
    display.SetInterpolate(False)
    display.SetAndObserveColorNodeID(heat_color_node(scene).GetID())
