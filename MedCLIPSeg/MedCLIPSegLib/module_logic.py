"""The module's logic: prompts, runs and results of the scene, without any widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.prompts.prompt_rows import EDITED, FAILED, PromptRow
from MedCLIPSegLib.run.order import orderOf, preparedRun
from MedCLIPSegLib.run.run_control import IDLE, WRITING, RunControl
from MedCLIPSegLib.scene_state import SceneState
from MedCLIPSegLib.signal import Signal
from MedCLIPSegLogic.errors import MedCLIPSegError, MissingModelError

if TYPE_CHECKING:
    from MedCLIPSegLogic.volumes.planes import Plane


class MedCLIPSegLogic(SceneState):
    """State and work of the module, for the panel and for scripts.

    Callbacks instead of widgets:

    * ``said(text)``: one line for the status.
    * ``failed(error)``: a run could not start or ended with an error.
    * ``ensureDependencies()``: set by who can ask a person to install what is missing; raises when it stays missing.
    * ``confirm(question)``: asks a person; a script that sets nothing is answered yes.
    * ``device``: "auto", "cpu" or "cuda", asked for at every run.
    * ``threads``: "auto" or the number of processor threads, asked for at every run.
    * ``ownWords``: whether what is not understood may be asked in the model's own words, asked for at every run.
    * ``isExporting``: set by who writes results to files meanwhile; they must not change then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: Signal[[str]] = Signal()
        self.failed: Signal[[Exception]] = Signal()
        self.ensureDependencies: Callable[[], None] = lambda: None
        self.confirm: Callable[[str], bool] = lambda question: True
        self.device: Callable[[], str] = lambda: "auto"
        self.threads: Callable[[], str | int] = lambda: "auto"
        self.ownWords: Callable[[], bool] = lambda: False
        self.isExporting = False
        self._isStarting = False
        self.runControl = RunControl(self)
        self.runControl.ended.connect(self._onRunEnded)

    @contextmanager
    def sayingErrors(self) -> Iterator[None]:
        """End the block at an error that a person can understand, and say it."""
        try:
            yield
        except MedCLIPSegError as error:
            self.said(str(error))

    @property
    def isRunning(self) -> bool:
        """True from the start of a run until its results are written or it was dropped."""
        return self._isStarting or self.runControl.state != IDLE

    @property
    def isWriting(self) -> bool:
        """True while results are written to the scene: changes of segments are then no one's edits."""
        return self.runControl.state == WRITING

    def run(self, rowIds: Sequence[str], showAnyway: bool = False) -> None:
        """Segment rows; returns at once, `said` and `failed` tell how it goes.

        Args:
            rowIds: of the rows.
            showAnyway: segment also what is not understood, or lies on an image the model does not know.
        """
        if self.isRunning:
            self.said(_("A run is still under way; wait for its end or cancel it."))
            return
        if self.isExporting:
            self.said(_("An export is still under way; wait for its end."))
            return
        self._isStarting = True  # questions and pip turn the event loop: no second start meanwhile
        rows = [row for row in self.rows if row.rowId in rowIds]
        try:
            self.changed()
            self.chooseImage()
            self.ensureDependencies()
            order = orderOf(self, rows, self.device(), self.threads(), self.ownWords(), showAnyway)
            self._confirmEdited(rows)
            self.said(_("Loading the model…"))
            self.runControl.start(order)
        except Exception as error:
            if isinstance(error, MissingModelError):
                self.setStates(rows, FAILED)
            self.said(explained(error, "the run could not be started"))
            self.failed(error)
        finally:
            self._isStarting = False
        self.changed()

    def cancel(self, reason: str = "") -> None:
        """End the run, if any, without writing anything."""
        self.runControl.cancel(reason or _("Cancelled; nothing was written."))

    def onNodeRemoved(self, node: slicer.vtkMRMLNode) -> None:
        """End the run when the node that goes away is its image."""
        order = self.runControl.order
        if order is None or node.GetID() != order.volumeId:
            return
        if self.isWriting:
            text = _("The input image was deleted, so the run was stopped; what was written until then stays.")
        else:
            text = _("The input image was deleted, so the run was stopped; nothing was written.")
        self.runControl.drop(text)

    def shutDown(self) -> None:
        """End everything: the module is unloaded, reloaded or the application quits."""
        self.runControl.shutDown()
        self.removeObservers()

    def segment(
        self,
        volumeNode: slicer.vtkMRMLVolumeNode,
        prompts: Sequence[str],
        samples: int | None = None,
        threshold: float = 0.5,
        model: str | None = None,
        plane: Plane = "auto",
        slices: tuple[int, int] | None = None,
        seed: int = 0,
        **choices: Any,
    ) -> slicer.vtkMRMLSegmentationNode:
        """Segment an image and wait for the result; for scripts.

        Args:
            volumeNode: scalar or color volume.
            prompts: one text per segment.
            samples: Monte-Carlo passes per slice, 1…1000, of trained models only; None for 30.
            threshold: probability above which a voxel is inside, 0…1 exclusive.
            model: name of a bundled or installed model, or path of a model folder; None for the default one;
                "medclip-sam" and "medclip-sam-v2" need no training data.
            plane: direction of the slices: "axial", "coronal" or "sagittal", or "auto" for that in which the model does
                best with the prompts, or else that of acquisition.
            slices: first slice and the one after the last, counted from 0; None for all.
            seed: of the noise; the same seed gives the same result.
            choices: more settings of the run, the fields of `MedCLIPSegLogic.runs.choices.RunChoices`, such as
                ``sam="none"``, ``objectPrompts="both"`` or ``threePlanes=True``.

        Returns:
            The segmentation node; probability and uncertainty maps lie beside it in the scene.

        Raises:
            MedCLIPSegError: bad input; nothing was written then.
        """
        from MedCLIPSegLogic.inference.result import to_the_end
        from MedCLIPSegLogic.runs.models import Models
        from MedCLIPSegLogic.scene.result_writer import write_result
        from MedCLIPSegLogic.scene.segmentation import find_segmentation

        named = {"samples": samples, "threshold": threshold, "model": model or None, "plane": plane}
        ofComputer = {"device": self.device(), "threads": self.threads()}
        prepared = preparedRun(volumeNode, prompts, {**named, "slices": slices, "seed": seed, **ofComputer, **choices})
        result = to_the_end(Models().events(prepared))
        scene = slicer.mrmlScene
        return write_result(scene, volumeNode, result, find_segmentation(scene, volumeNode)).segmentation

    def _confirmEdited(self, rows: Sequence[PromptRow]) -> None:
        """Ask whether rows whose segments were edited are to be segmented again.

        Raises:
            MedCLIPSegError: the answer was no.
        """
        edited = [row.label for row in rows if self._isEdited(row)]
        if edited and not self.confirm(
            _(
                "You have edited {names}. Your version is kept and the new result becomes another segment.\n\n"
                "Segment again?"
            ).format(names=", ".join(f"“{name}”" for name in edited))
        ):
            raise MedCLIPSegError(_("Nothing was changed."))

    def _isEdited(self, row: PromptRow) -> bool:
        from MedCLIPSegLogic.scene.segmentation import was_edited

        segmentId = self.segmentOf(row)
        if segmentId is None:
            return False
        return self.stateOf(row) == EDITED or was_edited(self.segmentationNode, segmentId, self.volumeNode)

    def _onRunEnded(self, text: str, error: Exception | None) -> None:
        self.said(text)
        if error is not None:
            self.failed(error)
