"""Masks of a result into the scene: one segment a prompt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..inference.result import PromptResult, SegmentationResult
from .colors import Color, next_color
from .nodes import SegmentationNode, VolumeNode, one_line
from .result_parts import is_partial, part_of
from .segment_look import set_segment_name
from .segmentation import run_segments, segment_mask, set_segment_mask, was_edited
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
    was_modifying = segmentation_node.StartModify()
    try:
        segment_id = _own_segment_id(segmentation_node, volume_node, prompt.prompt, written)
        if segment_id is None:
            look = appearance or SegmentAppearance(prompt.name, next_color(segmentation))
            segment_id = segmentation.AddEmptySegment("", "", look.color)
            set_segment_name(segmentation_node, segment_id, one_line(look.name) or "Segment")
        elif is_partial(result):
            mask = segment_mask(segmentation_node, segment_id, volume_node)
            mask[part_of(result)] = prompt.mask[part_of(result)]
        set_segment_mask(segmentation_node, segment_id, mask, volume_node)
        write_segment_record(segmentation.GetSegment(segment_id), prompt, result, mask)
    finally:
        segmentation_node.EndModify(was_modifying)
    return segment_id


def _own_segment_id(
    segmentation_node: SegmentationNode, volume_node: VolumeNode, prompt: str, written: Collection[str]
) -> str | None:
    """The segment an earlier run of the prompt wrote; one that was changed since is marked as edited and passed by."""
    for segment_id, segment, record in run_segments(segmentation_node):
        if segment_id in written or record["Prompt"] != prompt or is_edited(segment):
            continue
        if not was_edited(segmentation_node, segment_id, volume_node):
            return segment_id
        mark_edited(segment)
    return None
