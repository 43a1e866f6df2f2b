"""What the scene holds for the module: its choices, prompts, results and maps."""

from typing import Any

import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic
from slicer.util import VTKObservationMixin

from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLib.prompts.prompt_rows import PromptRow, PromptRows
from MedCLIPSegLib.prompts.row_states import RowStates
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLogic.errors import MedCLIPSegError


class SceneState(ScriptedLoadableModuleLogic, VTKObservationMixin):
    """The scene's parameter node and rows, and the results that belong to them.

    ``changed()`` is called when anything shown may differ.
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        VTKObservationMixin.__init__(self)
        from MedCLIPSegLogic.scene.palette import SEGMENT_COLORS

        self.changed = Signal()
        self.rows = PromptRows(SEGMENT_COLORS)
        self.rows.changed.connect(self._onRowsChanged)
        self.parameters: MedCLIPSegParameterNode | None = None
        self._states = RowStates()

    def getParameterNode(self) -> MedCLIPSegParameterNode:
        """The scene's parameter node, typed; made anew after a scene was closed."""
        return MedCLIPSegParameterNode(super().getParameterNode())

    def bind(self) -> None:
        """Work on the scene's parameter node, with the image in view when none is chosen."""
        from MedCLIPSegLogic.model.catalog import default_model

        self.release()
        self.parameters = self.getParameterNode()
        if not self.parameters.model:
            self.parameters.model = default_model()
        self.rows.replaceAll(PromptRows.parse(self.parameters.promptTable))
        self.addObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
        self.chooseImage()

    def release(self) -> None:
        """Forget the parameter node: its scene is being closed."""
        self.removeObservers()
        self.parameters = None
        self._states.forget()
        self.changed()

    def chooseImage(self) -> None:
        """Choose the image in view, else the first of the scene, when none is chosen."""
        from MedCLIPSegLogic.scene.volumes import image_to_segment

        if self.parameters is not None and self.parameters.inputVolume is None:
            image = image_to_segment(slicer.mrmlScene)
            if image is not None:
                self.parameters.inputVolume = image

    @property
    def volumeNode(self) -> Any:
        return self.parameters.inputVolume if self.parameters is not None else None

    @property
    def segmentationNode(self) -> Any:
        return self.parameters.segmentation if self.parameters is not None else None

    @property
    def currentRow(self) -> PromptRow | None:
        index = self.parameters.currentRow if self.parameters is not None else -1
        return self.rows[index] if 0 <= index < len(self.rows) else None

    @property
    def sliceAxis(self) -> Any:
        if self.volumeNode is None or self.volumeNode.GetImageData() is None:
            return None
        try:
            from MedCLIPSegLogic.scene.volumes import slice_axis_of

            return slice_axis_of(self.volumeNode, self.parameters.plane)
        # A picture cannot be cut in another plane; packages may not be installed before the first run.
        except (MedCLIPSegError, ModuleNotFoundError):
            return None

    def segmentOf(self, row: PromptRow) -> str | None:
        from MedCLIPSegLogic.scene.segmentation import segment_of_prompt

        if self.segmentationNode is None or not row.canRun:
            return None
        return segment_of_prompt(self.segmentationNode, row.prompt, row.segmentId)

    def stateOf(self, row: PromptRow) -> str:
        return self._states.stateOf(row, self.segmentationNode, self.segmentOf(row))

    def mapOf(self, row: PromptRow, role: str) -> Any:
        from MedCLIPSegLogic.scene.maps import EXPECTED_ENTROPY, MAP_ROLES, expected_entropy_map, find_map

        if self.volumeNode is None:
            return None
        if role == EXPECTED_ENTROPY.name:
            return expected_entropy_map(slicer.mrmlScene, self.volumeNode, row.prompt)
        found = next((candidate for candidate in MAP_ROLES if candidate.name == role), None)
        return find_map(slicer.mrmlScene, self.volumeNode, row.prompt, found) if found is not None else None

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
        self._followImage()
        self.changed()

    def _followImage(self) -> None:
        """Show the segmentation that belongs to the chosen image."""
        from MedCLIPSegLogic.scene.segmentation import find_segmentation

        wanted = find_segmentation(slicer.mrmlScene, self.volumeNode) if self.volumeNode is not None else None
        if wanted is not self.segmentationNode:
            self.parameters.segmentation = wanted
