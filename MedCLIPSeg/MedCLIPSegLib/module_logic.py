"""The module's logic: prompts, runs and results of the scene, without any widget."""

import logging
from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic
from slicer.util import VTKObservationMixin

from MedCLIPSegLib.engine_steps import EngineSteps
from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLib.prompt_rows import PromptRow, PromptRows
from MedCLIPSegLib.result_writing import ResultWriting
from MedCLIPSegLib.row_states import EDITED, FAILED, QUEUED, RUNNING, RowStates
from MedCLIPSegLib.run_control import IDLE, WRITING, RunControl
from MedCLIPSegLib.run_order import RunOrder, prepareRun
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLogic.errors import MedCLIPSegError


class MedCLIPSegLogic(ScriptedLoadableModuleLogic, VTKObservationMixin):
    """State and work of the module, for the panel and for scripts; see `panel_logic.PanelLogic`.

    Callbacks instead of widgets:

    * ``changed()``: anything shown may differ.
    * ``said(text)``: one line for the status.
    * ``progressed(progress)``: the engine took a step.
    * ``failed(error)``: a run could not start or ended with an error.
    * ``saveStateForUndo(segmentationNode)``: set by who offers undo; called before a segmentation is changed.
    * ``ensureDependencies()``: set by who can ask a person to install what is missing; raises when it stays missing.
    * ``confirm(question)``: asks a person; a script that sets nothing is answered yes.
    * ``device``: "auto", "cpu" or "cuda", asked for at every run.
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        VTKObservationMixin.__init__(self)
        from MedCLIPSegLogic.scene.palette import SEGMENT_COLORS

        self.changed, self.said, self.progressed, self.failed = Signal(), Signal(), Signal(), Signal()
        self.saveStateForUndo: Callable[[Any], None] = lambda segmentationNode: None
        self.ensureDependencies: Callable[[], None] = lambda: None
        self.confirm: Callable[[str], bool] = lambda question: True
        self.device: Callable[[], str] = lambda: "auto"
        self.rows = PromptRows(SEGMENT_COLORS)
        self.rows.changed.connect(self._onRowsChanged)
        self.parameters: MedCLIPSegParameterNode | None = None
        self._states = RowStates()
        self._isStarting = False
        self.runControl = RunControl(
            EngineSteps(),
            self._makePreview,
            ResultWriting(self.rows, self._showSegmentation, lambda node: self.saveStateForUndo(node)),
        )
        self.runControl.changed.connect(self.changed)
        self.runControl.progressed.connect(self._onProgress)
        self.runControl.ended.connect(self._onRunEnded)

    def getParameterNode(self) -> MedCLIPSegParameterNode:
        """The scene's parameter node, typed; made anew after a scene was closed."""
        return MedCLIPSegParameterNode(super().getParameterNode())

    # State of the scene

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
    def isRunning(self) -> bool:
        return self._isStarting or self.runControl.state != IDLE

    @property
    def isWriting(self) -> bool:
        """True while results are written to the scene: changes of segments are then no one's edits."""
        return self.runControl.state == WRITING

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

    # Runs

    def run(self, rowIds: list[str]) -> None:
        """Segment rows; returns at once, `said` and `failed` tell how it goes."""
        if self.isRunning:
            self.said(_("A run is still under way; wait for its end or cancel it."))
            return
        self._isStarting = True  # questions and pip turn the event loop: no second start meanwhile
        try:
            self.changed()
            self._start([row for row in self.rows if row.rowId in rowIds])
        except Exception as error:
            if not isinstance(error, MedCLIPSegError):
                logging.exception("MedCLIPSeg: the run could not be started")
            self.said(str(error) or type(error).__name__)
            self.failed(error)
        finally:
            self._isStarting = False
        self.changed()

    def cancel(self, reason: str = "") -> None:
        """End the run, if any, without writing anything."""
        self.runControl.cancel(reason or _("Cancelled; nothing was written."))

    def onNodeRemoved(self, node: Any) -> None:
        """End the run when the node that goes away is its image."""
        order = self.runControl.order
        if order is not None and node.GetID() == order.volumeId:
            self.runControl.drop(_("The input image was deleted, so the run was stopped; nothing was written."))

    def shutDown(self) -> None:
        """End everything: the module is unloaded, reloaded or the application quits."""
        self.runControl.shutDown()
        self.removeObservers()

    def segment(
        self, volumeNode: Any, prompts: list[str], samples: int = 30, threshold: float = 0.5, model: str = ""
    ) -> Any:
        """Segment an image and wait for the result; for scripts.

        Args:
            volumeNode: scalar or color volume.
            prompts: one text a segment.
            samples: Monte-Carlo passes a slice, 1…1000.
            threshold: probability above which a voxel is inside, 0…1 exclusive.
            model: name of a bundled or installed model, or path of a model folder; empty for the default one.

        Returns:
            The segmentation node; probability and uncertainty maps lie beside it in the scene.

        Raises:
            MedCLIPSegError: bad input; nothing was written then.
        """
        from MedCLIPSegLogic.inference.engine import run
        from MedCLIPSegLogic.inference.request import SegmentationRequest
        from MedCLIPSegLogic.model.library import load_model
        from MedCLIPSegLogic.scene.result_writer import write_result
        from MedCLIPSegLogic.scene.segmentation import find_segmentation
        from MedCLIPSegLogic.scene.volumes import volume_from_node

        volume = volume_from_node(volumeNode)
        request = SegmentationRequest(volume=volume, prompts=tuple(prompts), samples=samples, threshold=threshold)
        *_steps, result = run(load_model(model or None), request)
        scene = slicer.mrmlScene
        return write_result(scene, volumeNode, result, find_segmentation(scene, volumeNode)).segmentation

    def _start(self, rows: list[PromptRow]) -> None:
        from MedCLIPSegLogic.scene.views import shown_slice

        self.ensureDependencies()
        self.chooseImage()
        if self.parameters is None or self.volumeNode is None:
            raise MedCLIPSegError(_("There is no image yet; load one and choose it in Input."))
        edited = [row.label for row in rows if self._isEdited(row)]
        if edited and not self.confirm(
            _(
                "You have edited {names}. Your version is kept and the new result becomes another segment.\n\n"
                "Segment again?"
            ).format(names=", ".join(f"“{name}”" for name in edited))
        ):
            raise MedCLIPSegError(_("Nothing was changed."))
        axis = self.sliceAxis
        if axis is None:
            raise MedCLIPSegError(_("This image is a single slice; choose the plane “As acquired” in Input."))
        shown = shown_slice(slicer.mrmlScene, self.volumeNode, axis.axis)
        order = prepareRun(self.parameters, rows, axis, shown, self.device())
        self._states.set([row.rowId for row in rows], QUEUED)
        self.said(_("Loading the model…"))
        self.runControl.start(order)

    def _isEdited(self, row: PromptRow) -> bool:
        from MedCLIPSegLogic.scene.segmentation import was_edited

        segmentId = self.segmentOf(row)
        if segmentId is None:
            return False
        return self.stateOf(row) == EDITED or was_edited(self.segmentationNode, segmentId, self.volumeNode)

    def _makePreview(self, order: RunOrder) -> Any:
        from MedCLIPSegLogic.scene.run_preview import RunPreview

        return RunPreview(
            slicer.mrmlScene,
            slicer.mrmlScene.GetNodeByID(order.volumeId),
            [row.color for row in order.rows],
            [row.threshold for row in order.rows],
        )

    def _showSegmentation(self, segmentationNode: Any) -> None:
        if self.parameters is not None:
            self.parameters.segmentation = segmentationNode

    def _onProgress(self, progress: Any) -> None:
        order = self.runControl.order
        if order is not None and self.stateOf(order.rows[0]) != RUNNING:
            self._states.set([row.rowId for row in order.rows], RUNNING)
            self.changed()
        self.progressed(progress)

    def _onRunEnded(self, order: RunOrder, text: str, error: Exception | None) -> None:
        rowIds = [row.rowId for row in order.rows]
        self._states.clear(rowIds)
        if error is not None:
            self._states.set(rowIds, FAILED)
        self.said(text)
        if error is not None:
            self.failed(error)

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
