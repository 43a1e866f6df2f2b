"""What the scene holds for the module: its choices, prompts, results and maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic
from slicer.util import VTKObservationMixin

from MedCLIPSegLib.knowing.model_knowledge import ModelKnowledge
from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLib.prompts.prompt_rows import DONE, EDITED, EMPTY, NEW, PromptRow, PromptRows
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLib.slicing import chooseAxis

if TYPE_CHECKING:
    from MedCLIPSegLogic.inference.request import ChosenBy
    from MedCLIPSegLogic.knowledge.known import Knowledge
    from MedCLIPSegLogic.knowledge.verdict import Verdict
    from MedCLIPSegLogic.volumes.planes import Plane, SliceAxis


class SceneState(ScriptedLoadableModuleLogic, VTKObservationMixin):
    """The scene's parameter node and rows, and the results that belong to them.

    * ``changed()``: anything shown may differ.
    * ``saveStateForUndo(segmentationNode)``: set by who offers undo; called before a segmentation is changed.
    * ``chosenKind``: kind of image that a person builds prompts for; empty for any.
    * ``parameters``: None while the scene closes and before the panel was opened.
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        VTKObservationMixin.__init__(self)
        from MedCLIPSegLogic.scene.colors import SEGMENT_COLORS

        self.changed: Signal[[]] = Signal()
        self.saveStateForUndo: Callable[[slicer.vtkMRMLSegmentationNode], None] = lambda segmentationNode: None
        self.rows = PromptRows(SEGMENT_COLORS)
        self.rows.changed.connect(self._onRowsChanged)
        self.parameters: MedCLIPSegParameterNode | None = None
        self.modelKnowledge = ModelKnowledge()
        self.chosenKind = ""
        self._imageId = ""
        # States of the present or last run by row; all others are read from the segments.
        self._runStates: dict[str, str] = {}
        self._emptiness: dict[str, tuple[int, bool]] = {}

    def getParameterNode(self) -> MedCLIPSegParameterNode:
        """The scene's parameter node, typed; made anew after a scene was closed."""
        return MedCLIPSegParameterNode(super().getParameterNode())

    def bind(self) -> MedCLIPSegParameterNode:
        """Work on the scene's parameter node, with the image in view when none is chosen; returns it."""
        from MedCLIPSegLogic.model.catalog import default_model

        self.release()
        self.parameters = parameters = self.getParameterNode()
        if not parameters.model:
            parameters.model = default_model()
        self.rows.replaceAll(PromptRows.parse(parameters.promptTable))
        self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
        self.chooseImage()
        return parameters

    def release(self) -> None:
        """Forget the parameter node: its scene is being closed."""
        self.removeObservers()
        self.parameters = None
        self._runStates.clear()
        self._emptiness.clear()
        self.changed()

    def chooseImage(self) -> None:
        """Choose the image in view, else the first of the scene, when none is chosen."""
        from MedCLIPSegLogic.scene.volumes import image_to_segment

        if self.parameters is not None and self.parameters.inputVolume is None:
            image = image_to_segment(slicer.mrmlScene)
            if image is not None:
                self.parameters.inputVolume = image

    @property
    def volumeNode(self) -> slicer.vtkMRMLVolumeNode | None:
        """The image to segment, or None."""
        return self.parameters.inputVolume if self.parameters is not None else None

    @property
    def segmentationNode(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The segmentation with results of that image, or None."""
        return self.parameters.segmentation if self.parameters is not None else None

    @property
    def currentRow(self) -> PromptRow | None:
        """The row that is selected, or None."""
        index = self.parameters.currentRow if self.parameters is not None else -1
        return self.rows[index] if 0 <= index < len(self.rows) else None

    @property
    def sliceAxis(self) -> SliceAxis | None:
        """How the image is sliced in the chosen plane; None without an image, or when it has no such slices."""
        return self.sliceAxisFor([row.prompt for row in self.rows if row.canRun])[0]

    def sliceAxisFor(self, prompts: Sequence[str]) -> tuple[SliceAxis | None, ChosenBy]:
        """As `sliceAxis` for these prompts, and who chose the plane."""
        if self.parameters is None or self.volumeNode is None or self.volumeNode.GetImageData() is None:
            return None, "acquisition"
        return chooseAxis(self.volumeNode, cast("Plane", self.parameters.plane), prompts, self.knowledge)

    @property
    def knowledge(self) -> Knowledge | None:
        """What the chosen model knows; None where nobody can tell."""
        return self.modelKnowledge.of(self.parameters.model) if self.parameters is not None else None

    @property
    def imageKind(self) -> str | None:
        """A kind the model knows: what the last run took the image for, else what was chosen; None for neither."""
        if self.knowledge is None:
            return None
        kinds = [self.chosenKind]
        if self.segmentationNode is not None:
            from MedCLIPSegLogic.scene.segmentation import run_segments

            kinds += [_seenKind(record) for _id, _segment, record in run_segments(self.segmentationNode)]
        return next((kind for kind in reversed(kinds) if kind in self.knowledge.kinds), None)

    @property
    def hasResults(self) -> bool:
        """True when a row has a segment."""
        return any(self.segmentOf(row) is not None for row in self.rows)

    def segmentOf(self, row: PromptRow | None) -> str | None:
        """ID of the segment of a row in `segmentationNode`, or None."""
        from MedCLIPSegLogic.scene.segmentation import segment_of_prompt

        if row is None or self.segmentationNode is None or not row.canRun:
            return None
        return segment_of_prompt(self.segmentationNode, row.prompt, row.segmentId)

    def select(self, row: PromptRow | None) -> None:
        """Make a row the current one; None for none."""
        if self.parameters is not None:
            self.parameters.currentRow = self.rows.indexOf(row.rowId) if row is not None else -1

    def selectSegment(self, segmentId: str | None) -> bool:
        """Select the row of a segment; False when there is none."""
        row = next((row for row in self.rows if segmentId is not None and self.segmentOf(row) == segmentId), None)
        if row is not None:
            self.select(row)
        return row is not None

    def stateOf(self, row: PromptRow) -> str:
        """State of a row: "new", "queued", "running", "done", "empty", "edited" or "failed"."""
        if row.rowId in self._runStates:
            return self._runStates[row.rowId]
        segmentId = self.segmentOf(row)
        if segmentId is None or self.segmentationNode is None:
            return NEW
        from MedCLIPSegLogic.scene.tags import is_edited

        if is_edited(self.segmentationNode.GetSegmentation().GetSegment(segmentId)):
            return EDITED
        return EMPTY if self._isEmpty(self.segmentationNode, segmentId) else DONE

    def verdictOf(self, row: PromptRow | None) -> Verdict | None:
        """What the last run of a row said of its answer; None where it said nothing, or the answer is a person's."""
        segmentId = self.segmentOf(row)
        if row is None or segmentId is None or self.segmentationNode is None or self.stateOf(row) not in (DONE, EMPTY):
            return None
        from MedCLIPSegLogic.scene.tags import verdict_of

        return verdict_of(self.segmentationNode.GetSegmentation().GetSegment(segmentId))

    def setStates(self, rows: Iterable[PromptRow], state: str | None) -> None:
        """Remember that rows are queued, running or failed; None lets their segments speak again."""
        for row in rows:
            self._runStates.pop(row.rowId, None)
            if state is not None:
                self._runStates[row.rowId] = state
        self.changed()

    def mapOf(self, row: PromptRow | None, role: str) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The map of a row by the name of its role, or None; "ExpectedEntropy" is made when it is asked for."""
        from MedCLIPSegLogic.scene.map_volumes import EXPECTED_ENTROPY, MAP_ROLES, expected_entropy_map, find_map

        if row is None or self.volumeNode is None:
            return None
        if role == EXPECTED_ENTROPY.name:
            return expected_entropy_map(slicer.mrmlScene, self.volumeNode, row.prompt)
        found = next((candidate for candidate in MAP_ROLES if candidate.name == role), None)
        return find_map(slicer.mrmlScene, self.volumeNode, row.prompt, found) if found is not None else None

    def _isEmpty(self, segmentationNode: slicer.vtkMRMLSegmentationNode, segmentId: str) -> bool:
        from MedCLIPSegLogic.scene.segmentation import is_empty

        labelmap = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)
        if labelmap is None:
            return True
        modified = labelmap.GetMTime()
        known = self._emptiness.get(segmentId)
        if known is None or known[0] != modified:
            known = self._emptiness[segmentId] = (modified, is_empty(segmentationNode, segmentId))
        return known[1]

    def _onRowsChanged(self) -> None:
        if self.parameters is not None:
            text = self.rows.toJson()
            if text != self.parameters.promptTable:
                self.parameters.promptTable = text
        self.changed()

    def _onParametersModified(self, _caller: Any, _event: Any) -> None:
        if self.parameters is None:
            return
        if self.parameters.promptTable != self.rows.toJson():
            self.rows.replaceAll(PromptRows.parse(self.parameters.promptTable))
        self._followImage(self.parameters)
        self.changed()

    def _followImage(self, parameters: MedCLIPSegParameterNode) -> None:
        """Show the segmentation that belongs to the chosen image, and remember what its file tells of pictures."""
        from MedCLIPSegLogic.scene.pictures import is_picture, remember_picture
        from MedCLIPSegLogic.scene.segmentation import find_segmentation

        image = parameters.inputVolume
        if image is not None and image.GetID() != self._imageId:
            if self._imageId:  # what was chosen was chosen for another image
                self.chosenKind = ""
            self._imageId = image.GetID()
        if image is not None and image.GetImageData() is not None and is_picture(image):
            remember_picture(image)
        wanted = find_segmentation(slicer.mrmlScene, image) if image is not None else None
        if wanted is not parameters.segmentation:
            parameters.segmentation = wanted


def _seenKind(record: dict[str, str]) -> str:
    """Kind of image a run took its image for, by the record of a segment; scenes come from anywhere."""
    try:
        sight = json.loads(record.get("Settings", "{}")).get("sight") or {}
        return str(sight["kind"] or "")
    except (ValueError, AttributeError, KeyError, TypeError):
        return ""
