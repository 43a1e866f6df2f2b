"""What the sections of the panel may ask of the logic."""

from typing import TYPE_CHECKING, Any, Protocol

from MedCLIPSegLib.prompts.prompt_rows import PromptRow, PromptRows
from MedCLIPSegLib.signal import Signal

if TYPE_CHECKING:
    from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
    from MedCLIPSegLogic.volumes.planes import SliceAxis


class PanelLogic(Protocol):
    """The state every section shows; doubles of it stand in for the logic in tests.

    ``changed()`` is called when anything shown may differ: parameters, rows, results, the state of the run.
    ``said(text)`` is called with one line for the status.
    """

    changed: Signal
    said: Signal
    rows: PromptRows

    @property
    def parameters(self) -> "MedCLIPSegParameterNode | None":
        """The scene's parameter node; None while the scene closes and before the panel was opened."""

    @property
    def isRunning(self) -> bool:
        """True from the start of a run until its results are written or it was dropped."""

    @property
    def volumeNode(self) -> Any:
        """The image to segment, or None."""

    @property
    def segmentationNode(self) -> Any:
        """The segmentation with results of that image, or None."""

    @property
    def currentRow(self) -> PromptRow | None:
        """The row that is selected, or None."""

    @property
    def sliceAxis(self) -> "SliceAxis | None":
        """How the image is sliced in the chosen plane; None without an image."""

    def segmentOf(self, row: PromptRow) -> str | None:
        """ID of the segment of a row in `segmentationNode`, or None."""

    def stateOf(self, row: PromptRow) -> str:
        """State of a row: "new", "queued", "running", "done", "empty", "edited" or "failed"."""

    def mapOf(self, row: PromptRow, role: str) -> Any:
        """The map of a row by the name of its role, or None; "ExpectedEntropy" is made when it is asked for."""

    def ensureDependencies(self) -> None:
        """Return once everything the engine needs can be imported; raises with the way out."""

    def confirm(self, question: str) -> bool:
        """Ask a person."""

    def run(self, rowIds: list[str]) -> None:
        """Segment rows; says why when it can't."""
