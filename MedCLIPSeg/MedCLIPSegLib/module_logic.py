"""The module's logic: prompts, runs and results of the scene, without any widget."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.prompts.row_states import EDITED, FAILED, QUEUED, RUNNING
from MedCLIPSegLib.run.engine_steps import EngineSteps
from MedCLIPSegLib.run.result_writing import ResultWriting
from MedCLIPSegLib.run.run_control import IDLE, WRITING, RunControl
from MedCLIPSegLib.run.run_order import RunOrder, prepareRun
from MedCLIPSegLib.run.scripted_run import segmentNow
from MedCLIPSegLib.scene_state import SceneState
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.volumes.planes import Plane


class MedCLIPSegLogic(SceneState):
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
        super().__init__()
        self.said, self.progressed, self.failed = Signal(), Signal(), Signal()
        self.saveStateForUndo: Callable[[Any], None] = lambda segmentationNode: None
        self.ensureDependencies: Callable[[], None] = lambda: None
        self.confirm: Callable[[str], bool] = lambda question: True
        self.device: Callable[[], str] = lambda: "auto"
        self._isStarting = False
        self.runControl = RunControl(
            EngineSteps(),
            self._makePreview,
            ResultWriting(self.rows, self._showSegmentation, lambda node: self.saveStateForUndo(node)),
        )
        self.runControl.changed.connect(self.changed)
        self.runControl.progressed.connect(self._onProgress)
        self.runControl.ended.connect(self._onRunEnded)

    @property
    def isRunning(self) -> bool:
        return self._isStarting or self.runControl.state != IDLE

    @property
    def isWriting(self) -> bool:
        """True while results are written to the scene: changes of segments are then no one's edits."""
        return self.runControl.state == WRITING

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
        self,
        volumeNode: Any,
        prompts: list[str],
        samples: int = 30,
        threshold: float = 0.5,
        model: str = "",
        plane: "Plane" = "auto",
        slices: tuple[int, int] | None = None,
        seed: int = 0,
        **zeroShot: Any,
    ) -> Any:
        """Segment an image and wait for the result; for scripts.

        Args:
            volumeNode: scalar or color volume.
            prompts: one text a segment.
            samples: Monte-Carlo passes a slice, 1…1000; of trained models only.
            threshold: probability above which a voxel is inside, 0…1 exclusive.
            model: name of a bundled or installed model, or path of a model folder; empty for the default one;
                "medclip-sam" and "medclip-sam-v2" need no training data.
            plane: direction of the slices: "auto", "axial", "coronal" or "sagittal".
            slices: first slice and the one after the last, counted from 0; None for all.
            seed: of the noise; the same seed gives the same result.
            zeroShot: settings of a method without training data, those of `zero_shot_order.ZeroShotChoices`.

        Returns:
            The segmentation node; probability and uncertainty maps lie beside it in the scene.

        Raises:
            MedCLIPSegError: bad input; nothing was written then.
        """
        common = {
            "prompts": tuple(prompts),
            "threshold": threshold,
            "plane": plane,
            "slices": slices,
            "seed": seed,
            "device": self.device(),
        }
        return segmentNow(volumeNode, model, samples, common, zeroShot)

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
