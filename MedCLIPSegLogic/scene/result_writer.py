"""A whole result into the scene, at once or in small steps: one segment per prompt, and its maps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.result import PromptResult, SegmentationResult
from .colors import Color, next_color
from .geometry import require_unchanged
from .map_volumes import (
    DISAGREEMENT,
    MUTUAL_INFORMATION,
    PROBABILITY,
    UNCERTAINTY,
    MapRole,
    part_of,
    refresh_expected_entropy,
    remove_map,
    write_map_steps,
)
from .nodes import MapNode, Scene, SegmentationNode, VolumeNode, one_line
from .pictures import remember_picture
from .segment_look import set_segment_name
from .segmentation import (
    attach_to_volume,
    create_segmentation,
    require_own_volume,
    segment_mask,
    segments_of_prompt,
    set_segment_mask,
    was_edited,
)
from .tags import is_edited, mark_edited, write_segment_record


@dataclass(frozen=True)
class SegmentAppearance:
    """What a new segment looks like.

    Args:
        name: shown in tables; a number is added if another segment has it.
        color: red, green, blue in 0…1.
    """

    name: str
    color: Color


@dataclass(frozen=True)
class SceneResult:
    """Nodes of a result, in the order of the prompts: a segment of each, and the maps of those that have some.

    Args:
        segmentation: vtkMRMLSegmentationNode with one segment per prompt.
        segment_ids: IDs of these segments.
        probability_maps: scalar volumes, 0…1; as the other maps none in a run without maps, and none of a prompt whose
            answer was held back.
        uncertainty_maps: scalar volumes, 0…ln 2 nats.
        mutual_information_maps: scalar volumes, 0…ln 2 nats.
        disagreement_maps: scalar volumes, 0…ln 2 nats; none unless planes were fused.
    """

    segmentation: SegmentationNode
    segment_ids: tuple[str, ...]
    probability_maps: tuple[MapNode, ...]
    uncertainty_maps: tuple[MapNode, ...]
    mutual_information_maps: tuple[MapNode, ...]
    disagreement_maps: tuple[MapNode, ...]


def write_result(
    scene: Scene,
    volume_node: VolumeNode,
    result: SegmentationResult,
    segmentation_node: SegmentationNode | None = None,
    appearance: Mapping[str, SegmentAppearance] | None = None,
) -> SceneResult:
    """Write the segments and maps of a result at once; see ``write_result_steps``."""
    steps = write_result_steps(scene, volume_node, result, segmentation_node, appearance)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            written: SceneResult = end.value
            return written


def write_result_steps(
    scene: Scene,
    volume_node: VolumeNode,
    result: SegmentationResult,
    segmentation_node: SegmentationNode | None = None,
    appearance: Mapping[str, SegmentAppearance] | None = None,
) -> Generator[None, None, SceneResult]:
    """Write the segments and maps of a result, a segment or some slices of a map per step; see ``write_segment`` and
    ``write_map_steps``.

    The generator may be dropped at any step; what was written until then stays.

    Args:
        scene: scene of the volume.
        volume_node: the input; results go under its parent transform.
        result: on the voxel grid of ``volume_node``.
        segmentation_node: segmentation to write to; None for a new one beside the volume.
        appearance: names and colors of new segments by prompt; segments that are there keep theirs.

    Returns:
        The nodes, as value of the generator.

    Raises:
        MedCLIPSegError: the result doesn't fit the volume, or the segmentation is another volume's or lies on another
            voxel grid, all noticed before anything is written; or a node was removed from the scene between two steps.
    """
    require_unchanged(volume_node, result.volume)
    for prompt in result.prompts:
        _require_complete(prompt, result)
    if not result.volume.spacing_known:
        remember_picture(volume_node)
    if segmentation_node is None:
        segmentation_node = create_segmentation(scene, volume_node)
    else:
        require_own_volume(segmentation_node, volume_node)
        attach_to_volume(segmentation_node, volume_node)

    steps = _steps(scene, volume_node, result, segmentation_node, appearance or {})
    while True:
        try:
            next(steps)
        except StopIteration as end:
            written: SceneResult = end.value
            return written
        yield
        for node in (volume_node, segmentation_node):  # others had their turn
            if node.GetScene() is not scene:
                raise MedCLIPSegError(
                    f"“{node.GetName()}” was removed while its results were written, so some are missing: run again."
                )


def _steps(
    scene: Scene,
    volume_node: VolumeNode,
    result: SegmentationResult,
    segmentation_node: SegmentationNode,
    appearance: Mapping[str, SegmentAppearance],
) -> Generator[None, None, SceneResult]:
    segment_ids: list[str] = []
    for prompt in result.prompts:
        look = appearance.get(prompt.prompt)
        segment_ids.append(write_segment(segmentation_node, volume_node, prompt, result, look, segment_ids))
        yield
    maps: dict[MapRole, list[MapNode]] = defaultdict(list)
    for prompt in result.prompts:
        for role, values in _maps_of(prompt):
            if values is None:
                remove_map(scene, volume_node, prompt.prompt, role)
                continue
            written = [node.GetID() for node in maps[role]]
            maps[role].append((yield from write_map_steps(scene, volume_node, role, values, prompt, result, written)))
            yield
        refresh_expected_entropy(scene, volume_node, prompt.prompt)
        yield
    roles = (PROBABILITY, UNCERTAINTY, MUTUAL_INFORMATION, DISAGREEMENT)
    return SceneResult(segmentation_node, tuple(segment_ids), *(tuple(maps[role]) for role in roles))


def _maps_of(prompt: PromptResult) -> tuple[tuple[MapRole, NDArray[np.float32] | None], ...]:
    return (
        (PROBABILITY, prompt.probability),
        (UNCERTAINTY, prompt.uncertainty),
        (MUTUAL_INFORMATION, prompt.mutual_information),
        (DISAGREEMENT, prompt.disagreement),
    )


def _require_complete(prompt: PromptResult, result: SegmentationResult) -> None:
    for values in (prompt.mask, *(values for _, values in _maps_of(prompt))):
        if values is not None and values.shape != tuple(result.volume.shape):
            raise MedCLIPSegError(f"The result of “{prompt.name}” doesn't cover the volume: run again.")


def write_segment(
    segmentation_node: SegmentationNode,
    volume_node: VolumeNode,
    prompt: PromptResult,
    result: SegmentationResult,
    appearance: SegmentAppearance | None,
    written: Collection[str],
) -> str:
    """Write the mask of one prompt, voxel for voxel on the grid of the volume, and return the ID of its segment.

    A prompt that was run before replaces its own segment, found by its tag, and keeps the name and color the user
    gave it. When the run covered some slices only, the other slices stay. A segment whose mask was changed since its
    run is marked as edited and left as it is, and a new one is added. All other segments stay whole, overlaps
    included; an empty mask gives an empty segment.

    Args:
        segmentation_node: segmentation on the grid and under the parent transform of the volume.
        volume_node: the input.
        prompt: the mask to write.
        result: run the mask is of.
        appearance: of a new segment; None for the prompt's name and the next color of the palette.
        written: IDs of segments that belong to other prompts of the run.

    Raises:
        MedCLIPSegError: the segmentation doesn't hold labelmaps.
    """
    segmentation = segmentation_node.GetSegmentation()
    mask: NDArray[Any] = prompt.mask
    part = part_of(result)
    was_modifying = segmentation_node.StartModify()
    try:
        segment_id = _own_segment_id(segmentation_node, volume_node, prompt.prompt, written)
        if segment_id is None:
            look = appearance or SegmentAppearance(prompt.name, next_color(segmentation))
            segment_id = segmentation.AddEmptySegment("", "", look.color)
            set_segment_name(segmentation_node, segment_id, one_line(look.name) or "Segment")
        elif part is not ...:
            mask = segment_mask(segmentation_node, segment_id, volume_node)
            mask[part] = prompt.mask[part]
        set_segment_mask(segmentation_node, segment_id, mask, volume_node)
        write_segment_record(segmentation.GetSegment(segment_id), prompt, result, mask)
    finally:
        segmentation_node.EndModify(was_modifying)
    return segment_id


def _own_segment_id(
    segmentation_node: SegmentationNode, volume_node: VolumeNode, prompt: str, written: Collection[str]
) -> str | None:
    """The segment an earlier run of the prompt wrote; one that was changed since is marked as edited and passed by."""
    for segment_id, segment in segments_of_prompt(segmentation_node, prompt):
        if segment_id in written or is_edited(segment):
            continue
        if not was_edited(segmentation_node, segment_id, volume_node):
            return segment_id
        mark_edited(segment)
    return None
