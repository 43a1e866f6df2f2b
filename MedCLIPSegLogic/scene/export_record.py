"""The JSON record that lies beside exported files."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import slicer

from ..version import __version__
from .geometry import ijk_to_ras, voxel_counts
from .segmentation import segment_mask, was_edited
from .tags import segment_record
from .volumes import is_picture_grid


def export_record(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    segment_ids: Sequence[str],
    files: Sequence[str],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Describe an export, ready for JSON.

    Args:
        segmentation_node: segmentation with the segments.
        volume_node: the image.
        segment_ids: segments that were exported.
        files: names of the files.
        notes: what was left out, one sentence each.
    """
    shape, matrix = voxel_counts(volume_node), ijk_to_ras(volume_node)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "image": {
            "name": volume_node.GetName(),
            "dimensions_ijk": list(reversed(shape)),
            "ijk_to_ras": matrix.tolist(),
            "spacing_mm": None if is_picture_grid(shape, matrix) else np.linalg.norm(matrix[:3, :3], axis=0).tolist(),
            "parent_transform_left_out": volume_node.GetTransformNodeID() is not None,
        },
        "segments": [_segment(segmentation_node, segment_id, volume_node) for segment_id in segment_ids],
        "notes": list(notes),
        "files": list(files),
        "versions": {"medclipseg": __version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def _segment(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, volume_node: slicer.vtkMRMLVolumeNode
) -> dict[str, Any]:
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    tags: Mapping[str, str] = segment_record(segment)
    settings = json.loads(tags["Settings"]) if "Settings" in tags else {}
    mask, matrix = segment_mask(segmentation_node, segment_id, volume_node), ijk_to_ras(volume_node)
    voxels = int(np.count_nonzero(mask))
    known = not is_picture_grid(mask.shape, matrix) and 1 not in mask.shape
    return {
        "name": segment.GetName(),
        "prompt": tags.get("Prompt"),
        "model": tags.get("Model"),
        "model_hash": tags.get("ModelHash"),
        "samples": int(tags["Samples"]) if "Samples" in tags else None,
        "seed": int(tags["Seed"]) if "Seed" in tags else None,
        "threshold": float(tags["Threshold"]) if "Threshold" in tags else None,
        "mean_uncertainty_nats": float(tags["MeanUncertainty"]) if "MeanUncertainty" in tags else None,
        "edited": was_edited(segmentation_node, segment_id, volume_node),
        "voxels": voxels,
        "volume_ml": voxels * abs(float(np.linalg.det(matrix[:3, :3]))) / 1000 if known else None,
        "settings": settings,
    }
