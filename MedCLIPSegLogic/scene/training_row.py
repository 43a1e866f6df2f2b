"""A segment of the scene as a case of a training set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..datasets.writing import Split, append_training_row
from ..errors import MedCLIPSegError
from .export_record import export_record
from .nodes import SegmentationNode, VolumeNode
from .segmentation import segment_mask
from .tags import segment_record
from .volumes import volume_from_node


def add_training_row(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, folder: Path, split: Split
) -> Path:
    """Add a segment as it is now, its image, its prompt and its record to a training set.

    See ``append_training_row`` and ``export_record``.

    Args:
        segmentation_node: segmentation with the segment.
        segment_id: a segment a run wrote, corrected or not.
        volume_node: its image; parent transforms are left out.
        folder: of the set.
        split: part of the set.

    Raises:
        MedCLIPSegError: no such segment, or it has no prompt; or the set can't be written.
    """
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    prompt = segment_record(segment).get("Prompt") if segment is not None else None
    if prompt is None:
        raise MedCLIPSegError("Only segments that a prompt made can become training data; segment a prompt first.")
    mask = segment_mask(segmentation_node, segment_id, volume_node)

    def make_record(files: Sequence[str]) -> dict[str, Any]:
        return export_record(segmentation_node, volume_node, [segment_id], {segment_id: files}, ())

    return append_training_row(folder, split, volume_from_node(volume_node), mask, prompt, make_record)
