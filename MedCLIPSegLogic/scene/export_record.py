"""The JSON record that lies beside exported files, and a segment with its record as a case of a training set."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

from ..datasets.writing import Split, append_training_row
from ..desk.review import overall
from ..errors import MedCLIPSegError, quoted
from ..inference.islands import rules_record
from ..version import __version__
from .geometry import ijk_to_ras, voxel_counts
from .nodes import SegmentationNode, VolumeNode
from .pictures import is_picture
from .segment_review import review_of
from .segmentation import segment_mask, was_edited
from .tags import expected_dice_of, island_rule_of, removed_islands_of, segment_record, verdict_of
from .volumes import outline_of, size_of, volume_from_node


def export_record(
    segmentation_node: SegmentationNode,
    volume_node: VolumeNode,
    segment_ids: Sequence[str],
    files: Mapping[str, Sequence[str]],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Describe an export, ready for JSON; what isn't known is null.

    ``mean_uncertainty_nats``, ``plane_agreement``, ``expected_dice``, ``threshold``, islands and the verdict of a
    segment speak of the model's mask, also when a person edited it since; ``voxels``, sizes and the review speak of the
    segment as exported. ``review`` is that of the case: of the exported segments taken together.

    Args:
        segmentation_node: segmentation with the segments.
        volume_node: the image.
        segment_ids: segments that were exported.
        files: names of the files by segment ID; a file may hold several segments, and belong to none under "".
        notes: what was left out or the file of the image leaves open, one sentence each.

    Raises:
        MedCLIPSegError: no such segment.
    """
    shape, matrix = voxel_counts(volume_node), ijk_to_ras(volume_node)
    segments = [
        _segment(segmentation_node, segment_id, volume_node, files.get(segment_id, ())) for segment_id in segment_ids
    ]
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "image": {
            "name": volume_node.GetName(),
            "dimensions_ijk": list(reversed(shape)),
            "spacing_mm": None if is_picture(volume_node) else np.linalg.norm(matrix[:3, :3], axis=0).tolist(),
            "ijk_to_ras": matrix.tolist(),
            "parent_transform_left_out": volume_node.GetTransformNodeID() is not None,
        },
        "segmentation": segmentation_node.GetName(),
        "review": _of_case(segments),
        "segments": segments,
        "notes": list(notes),
        "files": sorted({name for names in files.values() for name in names}),
        "versions": _versions(),
    }


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
        MedCLIPSegError: no such segment, it has no prompt, or its answer was held back and nobody outlined anything;
            or the set can't be written.
    """
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    prompt = segment_record(segment).get("Prompt") if segment is not None else None
    if prompt is None:
        raise MedCLIPSegError("Only segments that a prompt made can become training data; segment a prompt first.")
    mask, verdict = segment_mask(segmentation_node, segment_id, volume_node), verdict_of(segment)
    if verdict is not None and verdict.is_unknown and not mask.any():
        raise MedCLIPSegError(
            f"The answer to “{quoted(prompt)}” was held back, so its empty segment teaches nothing; outline the thing "
            "first."
        )

    def make_record(files: Sequence[str]) -> dict[str, Any]:
        return export_record(segmentation_node, volume_node, [segment_id], {segment_id: files}, ())

    return append_training_row(folder, split, volume_from_node(volume_node), mask, prompt, make_record)


def _segment(
    segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode, files: Sequence[str]
) -> dict[str, Any]:
    mask = segment_mask(segmentation_node, segment_id, volume_node)
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    tags, verdict, rule = segment_record(segment), verdict_of(segment), island_rule_of(segment)
    review = review_of(segmentation_node, segment_id, volume_node)
    voxels = int(np.count_nonzero(mask))
    volume_ml, area_mm2 = size_of(voxels, volume_node)
    return {
        "name": segment.GetName(),
        "prompt": tags.get("Prompt"),
        "model": tags.get("Model"),
        "model_hash": tags.get("ModelHash"),
        "samples": _parsed(int, tags.get("Samples")),
        "seed": _parsed(int, tags.get("Seed")),
        "threshold": _parsed(float, tags.get("Threshold")),
        "islands": rules_record([rule], outline_of(volume_node).voxel_measure[1]),
        "removed_islands": removed_islands_of(segment),
        "mean_uncertainty_nats": _parsed(float, tags.get("MeanUncertainty")),
        "plane_agreement": _parsed(float, tags.get("PlaneAgreement")),
        "verdict": verdict.kind if verdict else None,
        "verdict_text": verdict.text if verdict else None,
        "suggestions": list(verdict.suggestions) if verdict else [],
        "expected_dice": expected_dice_of(tags),
        "review_state": review.state if review else "unreviewed",
        "reviewer": review.reviewer if review else None,
        "review_time": review.time if review else None,
        "review_note": review.note if review else None,
        "edited": was_edited(segmentation_node, segment_id, volume_node),
        "voxels": voxels,
        "volume_ml": volume_ml,
        "area_mm2": area_mm2,
        "files": list(files),
        "settings": _parsed(json.loads, tags.get("Settings")),
    }


def _of_case(segments: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """State of the segments taken together, and who judged last."""
    last = max(segments, key=lambda segment: segment["review_time"] or "", default={})
    return {
        "state": overall(segment["review_state"] for segment in segments),
        "reviewer": last.get("reviewer"),
        "time": last.get("review_time"),
    }


def _parsed(parse: Callable[[str], Any], text: str | None) -> Any:
    """What a tag says; None when it is missing or was damaged by another program."""
    try:
        return None if text is None else parse(text)
    except ValueError:
        return None


def _versions() -> dict[str, str | None]:
    torch = sys.modules.get("torch")
    slicer_version = getattr(getattr(slicer, "app", None), "applicationVersion", None)
    return {
        "medclipseg": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__) if torch is not None else _installed("torch"),
        "slicer": str(slicer_version) if slicer_version else _installed("slicer-core"),
        "vtk": vtk.vtkVersion.GetVTKVersion(),
    }


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
