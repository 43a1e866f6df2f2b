"""What a person does to segments: undo, and painting."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from MedCLIPSegLogic.scene.arrays import voxel_view
from MedCLIPSegLogic.scene.segmentation import segment_mask


def undo_editor(scene: Any, segmentation_node: Any, volume_node: Any) -> Any:
    """Return the logic of a segment editor that works on a segmentation."""
    node = scene.AddNode(slicer.vtkMRMLSegmentEditorNode())
    editor = slicer.vtkSlicerSegmentEditorLogic()
    editor.SetMRMLScene(scene)
    editor.SetSegmentEditorNode(node)
    editor.SetSegmentationNode(segmentation_node)
    editor.SetSourceVolumeNode(volume_node)
    return editor


def paint(editor: Any, segment_id: str, mask: NDArray[np.uint8]) -> None:
    """Add the voxels of a mask (K, J, I) to a segment, as a brush does."""
    segmentation_node = editor.GetSegmentationNode()
    editor.SetCurrentSegmentID(segment_id)
    editor.ResetModifierLabelmapToDefault()
    stroke = editor.GetModifierLabelmap()
    voxel_view(stroke)[mask > 0] = 1
    stroke.Modified()
    editor.ModifySegmentByLabelmap(segmentation_node, segment_id, stroke, editor.ModificationModeAdd, False, True)


def masks_of(segmentation_node: Any, volume_node: Any) -> dict[str, NDArray[np.uint8]]:
    """Return the masks (K, J, I) of all segments by their IDs, in order."""
    segment_ids = segmentation_node.GetSegmentation().GetSegmentIDs()
    return {segment_id: segment_mask(segmentation_node, segment_id, volume_node) for segment_id in segment_ids}


def assert_same_masks(present: dict[str, NDArray[np.uint8]], expected: dict[str, NDArray[np.uint8]]) -> None:
    """Same segments in the same order, voxel for voxel."""
    assert list(present) == list(expected)
    for segment_id, mask in expected.items():
        np.testing.assert_array_equal(present[segment_id], mask)
