"""Probability and uncertainty maps as scalar volumes of the scene."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ..inference.result import MAX_ENTROPY, PromptResult, SegmentationResult
from .arrays import take_voxels, voxel_view
from .colors import heat_color_node
from .geometry import follow_transform, ijk_to_ras, require_shape, voxel_counts, vtk_matrix
from .nodes import MapNode, Scene, VolumeNode, node_name, nodes_of_class, place_beside
from .tags import decode, encode

ROLE_ATTRIBUTE = "MedCLIPSeg.Role"
PROMPT_ATTRIBUTE = "MedCLIPSeg.Prompt"
MODEL_ATTRIBUTE = "MedCLIPSeg.Model"
INPUT_REFERENCE = "MedCLIPSeg.InputVolume"

HIDDEN_BELOW = 0.05
"""Share of the display range below which values are transparent."""
VOXELS_A_STEP = 4_000_000
"""A step over this many voxels of a new map takes some 10 ms, up to 100 ms where memory is slow."""


@dataclass(frozen=True)
class MapRole:
    """What a map shows.

    Args:
        name: value of the node's role attribute.
        title: text of the legend, with the unit.
        highest: the largest value there can be, upper end of the display range; the lower end is 0.
        is_small: values stay far below ``highest``, so that the display range ends at the map's own largest.
    """

    name: str
    title: str
    highest: float
    is_small: bool = False


PROBABILITY = MapRole("Probability", "Probability", 1.0)
UNCERTAINTY = MapRole("Uncertainty", "Uncertainty (nats)", MAX_ENTROPY)
EXPECTED_ENTROPY = MapRole("ExpectedEntropy", "Expected entropy (nats)", MAX_ENTROPY)
MUTUAL_INFORMATION = MapRole("MutualInformation", "Mutual information (nats)", MAX_ENTROPY, is_small=True)
DISAGREEMENT = MapRole("PlaneDisagreement", "Disagreement of the planes (nats)", MAX_ENTROPY, is_small=True)
MAP_ROLES = (PROBABILITY, UNCERTAINTY, EXPECTED_ENTROPY, MUTUAL_INFORMATION, DISAGREEMENT)
"""Uncertainty is the total: the sum of expected entropy (of the data) and mutual information (of the model)."""


def write_map_steps(
    scene: Scene,
    volume_node: VolumeNode,
    role: MapRole,
    values: NDArray[np.float32],
    prompt: PromptResult,
    result: SegmentationResult,
    written: Collection[str],
) -> Generator[None, None, MapNode]:
    """Write one map of a prompt, on the grid and transform of the volume, some slices per step.

    The map of an earlier run of the same prompt on the same volume is updated in place, only in the slices that were
    run; what the user changed in its name and display stays. The scene is changed in the last step alone.

    Args:
        scene: scene of the volume.
        volume_node: the input.
        role: what the map shows.
        values: (K, J, I) voxels of the map, 0…``role.highest``, copied.
        prompt: prompt the map is of.
        result: run the map is of.
        written: IDs of maps that belong to other prompts of the run.

    Returns:
        The map, as value of the generator.
    """
    candidates = _matching(scene, volume_node, prompt.prompt, role)
    node = next((candidate for candidate in candidates if candidate.GetID() not in written), None)
    if node is not None and _has_image(node, values.shape):
        image, part = node.GetImageData(), part_of(result)
        voxel_view(image)[part] = values[part]
    else:
        image = _new_image(values.shape)
        voxels = voxel_view(image)
        slices_a_step = max(1, VOXELS_A_STEP // voxels[0].size)
        for first in range(slices_a_step, len(voxels), slices_a_step):
            voxels[first - slices_a_step : first] = values[first - slices_a_step : first]
            yield
        voxels[-slices_a_step:] = values[-slices_a_step:]
    if node is None:
        node = _add_map_node(scene, volume_node, prompt.name, role)
    model = encode(str(result.settings.get("model", "")))
    _set_map(scene, node, volume_node, role, image, encode(prompt.prompt), model)
    return node


def part_of(result: SegmentationResult) -> tuple[slice | list[int], ...] | EllipsisType:
    """Return the index into (K, J, I) voxels of the slices that were run; ``...`` when all of them were."""
    if len(set(result.slice_indices)) == result.volume.shape[result.slice_axis]:
        return ...
    return (slice(None),) * result.slice_axis + (list(result.slice_indices),)


def expected_entropy_map(scene: Scene, volume_node: VolumeNode, prompt: str) -> MapNode | None:
    """Return the map of the mean entropy of the samples, made at the first call: uncertainty − mutual information.

    Returns:
        float32 volume, 0…ln 2 nats; None when the prompt has no maps on the volume.
    """
    node = find_map(scene, volume_node, prompt, EXPECTED_ENTROPY)
    return node if node is not None else _derive_expected_entropy(scene, volume_node, prompt)


def refresh_expected_entropy(scene: Scene, volume_node: VolumeNode, prompt: str) -> None:
    """Bring the map of ``expected_entropy_map`` up to date with the other maps, if it was ever asked for.

    Without those it goes away.
    """
    if find_map(scene, volume_node, prompt, EXPECTED_ENTROPY) is None:
        return
    if _derive_expected_entropy(scene, volume_node, prompt) is None:
        remove_map(scene, volume_node, prompt, EXPECTED_ENTROPY)


def map_role(node: slicer.vtkMRMLNode) -> MapRole | None:
    """Return what a map shows; None for nodes that aren't our maps."""
    name = node.GetAttribute(ROLE_ATTRIBUTE)
    return next((role for role in MAP_ROLES if role.name == name), None)


def map_prompt(node: slicer.vtkMRMLNode) -> str:
    """Return the prompt of a map as typed; empty for nodes that aren't our maps."""
    return decode(node.GetAttribute(PROMPT_ATTRIBUTE) or "")


def map_nodes(scene: Scene, volume_node: VolumeNode | None = None) -> Iterator[MapNode]:
    """Return the maps of one volume, or of all when None, in scene order."""
    for node in nodes_of_class(scene, "vtkMRMLScalarVolumeNode"):
        if map_role(node) is not None and (
            volume_node is None or node.GetNodeReferenceID(INPUT_REFERENCE) == volume_node.GetID()
        ):
            yield node


def find_map(scene: Scene, volume_node: VolumeNode, prompt: str, role: MapRole) -> MapNode | None:
    """Return the map of a prompt (as typed) on a volume; None if there is none."""
    return next(_matching(scene, volume_node, prompt, role), None)


def remove_map(scene: Scene, volume_node: VolumeNode, prompt: str, role: MapRole) -> None:
    """Remove the map that an earlier run of a prompt left, if there is one: a run without maps makes it untrue."""
    node = find_map(scene, volume_node, prompt, role)
    if node is not None:
        scene.RemoveNode(node)


def display_range(role: MapRole, node: MapNode | None = None) -> float:
    """Upper end of the display range: the role's, or the first of 1, 2, 5, 10… times 0.001 above the map's largest."""
    image = node.GetImageData() if node is not None and role.is_small else None
    largest = float(voxel_view(image).max()) if image is not None else 0.0
    if not 0 < largest < role.highest:
        return role.highest
    power = 10.0 ** max(-3, math.floor(math.log10(largest)))
    return min(role.highest, next(step * power for step in (1, 2, 5, 10) if step * power >= largest))


def ensure_display(scene: Scene, node: MapNode, role: MapRole) -> None:
    """Give a map a display with heat colors over the range of its role; one that is there stays as it is."""
    if node.GetDisplayNode() is not None:
        return
    display = slicer.vtkMRMLScalarVolumeDisplayNode()
    # A fixed range keeps runs, prompts and slices comparable.
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, role.highest)
    # The upper end is open: the largest float32 values may exceed the bound by rounding.
    display.SetThreshold(HIDDEN_BELOW * role.highest, 2 * role.highest)
    display.ApplyThresholdOn()
    display.SetInterpolate(False)
    display.SetAndObserveColorNodeID(heat_color_node(scene).GetID())
    scene.AddNode(display)
    node.SetAndObserveDisplayNodeID(display.GetID())


def _matching(scene: Scene, volume_node: VolumeNode, prompt: str, role: MapRole) -> Iterator[MapNode]:
    encoded = encode(prompt)
    for node in map_nodes(scene, volume_node):
        if node.GetAttribute(ROLE_ATTRIBUTE) == role.name and node.GetAttribute(PROMPT_ATTRIBUTE) == encoded:
            yield node


def _derive_expected_entropy(scene: Scene, volume_node: VolumeNode, prompt: str) -> MapNode | None:
    total = find_map(scene, volume_node, prompt, UNCERTAINTY)
    information = find_map(scene, volume_node, prompt, MUTUAL_INFORMATION)
    if total is None or information is None:
        return None
    shape = voxel_counts(total)
    require_shape(information, shape)
    node = find_map(scene, volume_node, prompt, EXPECTED_ENTROPY)
    if node is None:
        node = _add_map_node(scene, volume_node, prompt, EXPECTED_ENTROPY)
    image = node.GetImageData() if _has_image(node, shape) else _new_image(shape)
    voxels = voxel_view(image)
    np.subtract(voxel_view(total.GetImageData()), voxel_view(information.GetImageData()), out=voxels)
    np.maximum(voxels, 0, out=voxels)
    model = total.GetAttribute(MODEL_ATTRIBUTE) or ""
    _set_map(scene, node, volume_node, EXPECTED_ENTROPY, image, encode(prompt), model)
    return node


def _add_map_node(scene: Scene, volume_node: VolumeNode, prompt_name: str, role: MapRole) -> MapNode:
    what = role.title.partition(" (")[0].lower()
    name = f"{node_name(volume_node.GetName())} {node_name(prompt_name)} {what}"
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    place_beside(scene, node, volume_node)
    return node


def _has_image(node: MapNode, shape: tuple[int, ...]) -> bool:
    image = node.GetImageData()
    if image is None or image.GetDimensions() != tuple(shape)[::-1]:
        return False
    return image.GetScalarType() == vtk.VTK_FLOAT and image.GetNumberOfScalarComponents() == 1


def _new_image(shape: tuple[int, ...]) -> vtk.vtkImageData:
    """A float32 image for (K, J, I) voxels, which hold anything."""
    image = vtk.vtkImageData()
    # numpy asks for large pages, which are ready several times faster than those VTK gets.
    take_voxels(image, np.empty(shape, np.float32))
    return image


def _set_map(
    scene: Scene,
    node: MapNode,
    volume_node: VolumeNode,
    role: MapRole,
    image: vtk.vtkImageData,
    encoded_prompt: str,
    encoded_model: str,
) -> None:
    node.SetAttribute(ROLE_ATTRIBUTE, role.name)
    node.SetAttribute(PROMPT_ATTRIBUTE, encoded_prompt)
    node.SetAttribute(MODEL_ATTRIBUTE, encoded_model)
    # A reference, not an attribute: it follows when loading a scene renames IDs.
    node.SetNodeReferenceID(INPUT_REFERENCE, volume_node.GetID())
    # First the display: one made for voxels that are there works out a range of its own from all of them.
    ensure_display(scene, node, role)
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    node.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras(volume_node)))
    node.SetAndObserveImageData(image)
    follow_transform(node, volume_node)
