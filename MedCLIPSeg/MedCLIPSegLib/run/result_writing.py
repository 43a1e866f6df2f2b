"""A result into the scene, in small steps on the main thread."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.prompts.prompt_rows import PromptRows
from MedCLIPSegLib.run.run_order import RunOrder
from MedCLIPSegLib.run.run_text import resultText
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.result import SegmentationResult


class ResultWriting:
    """Writes results so that undo takes them back and every row knows its segment.

    Args:
        rows: rows of the prompt table.
        showSegmentation: makes a segmentation the one the panel works on.
        saveStateForUndo: called with the segmentation right before it is changed.
    """

    def __init__(
        self, rows: PromptRows, showSegmentation: Callable[[Any], None], saveStateForUndo: Callable[[Any], None]
    ) -> None:
        self._rows = rows
        self._showSegmentation = showSegmentation
        self._saveStateForUndo = saveStateForUndo

    def __call__(self, order: RunOrder, result: "SegmentationResult") -> Generator[None, None, str]:
        """Write masks and maps; returns what was found, in words.

        Raises:
            MedCLIPSegError: the image is gone or has changed; nothing was written then.
        """
        from MedCLIPSegLogic.scene.geometry import require_unchanged
        from MedCLIPSegLogic.scene.result_writer import SegmentAppearance, write_result_steps
        from MedCLIPSegLogic.scene.segmentation import create_segmentation, find_segmentation

        scene = slicer.mrmlScene
        volumeNode = scene.GetNodeByID(order.volumeId)
        if volumeNode is None:
            raise MedCLIPSegError(_("The input image is no longer in the scene; nothing was written."))
        require_unchanged(volumeNode, result.volume)  # before a segmentation is made for it
        segmentation = find_segmentation(scene, volumeNode)
        if segmentation is None:
            segmentation = create_segmentation(scene, volumeNode)
        self._showSegmentation(segmentation)
        self._saveStateForUndo(segmentation)
        appearance = {row.prompt: SegmentAppearance(row.label, row.color) for row in order.rows}
        written = yield from write_result_steps(scene, volumeNode, result, segmentation, appearance)
        for row, segmentId in zip(order.rows, written.segment_ids, strict=True):
            self._rows.update(row.rowId, segmentId=segmentId)
        return resultText(result, [row.label for row in order.rows])
