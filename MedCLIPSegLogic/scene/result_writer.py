"""One call that brings a whole result into the scene."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

from ..inference.result import SegmentationResult
from .maps import write_maps
from .segmentation import write_segments


@dataclass(frozen=True)
class SceneResult:
    """Nodes of a result.

    Args:
        segmentation: vtkMRMLSegmentationNode with one segment a prompt.
        probability_maps: scalar volumes, one a prompt, in the order of the prompts.
        uncertainty_maps: scalar volumes, one a prompt, in the order of the prompts.
    """

    segmentation: slicer.vtkMRMLSegmentationNode
    probability_maps: tuple[slicer.vtkMRMLScalarVolumeNode, ...]
    uncertainty_maps: tuple[slicer.vtkMRMLScalarVolumeNode, ...]


def write_result(
    scene: slicer.vtkMRMLScene,
    volume_node: slicer.vtkMRMLVolumeNode,
    result: SegmentationResult,
    segmentation_node: slicer.vtkMRMLSegmentationNode | None = None,
) -> SceneResult:
    """Write the segments and maps of a result; see ``write_segments`` and ``write_maps``.

    Raises:
        MedCLIPSegError: the result doesn't fit the volume, or the segmentation lies on another voxel grid; both are
            noticed before any node is made.
    """
    segmentation = write_segments(scene, volume_node, result, segmentation_node)
    pairs = write_maps(scene, volume_node, result)
    return SceneResult(segmentation, tuple(first for first, _ in pairs), tuple(second for _, second in pairs))
