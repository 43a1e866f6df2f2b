"""The button that shows the segments in the 3D views."""

from typing import Any

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import silenced


class ThreeD(Section):
    """Makes surfaces of the segments and drops them; a picture of a single slice has none."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._button = ui.showThreeDButton
        self._button.connect("toggled(bool)", self._onToggled)

    def refresh(self) -> None:
        """Show whether there are surfaces; a new result or another threshold drops them."""
        image = self._logic.volumeNode.GetImageData() if self._logic.volumeNode is not None else None
        hasDepth = image is not None and min(image.GetDimensions()) > 1
        segmentationNode = self._logic.segmentationNode
        self._button.enabled = hasDepth and self._logic.hasResults and not self._logic.isWriting
        with silenced(self._button):
            self._button.checked = segmentationNode is not None and self._isShown(segmentationNode)

    def _isShown(self, segmentationNode: Any) -> bool:
        from MedCLIPSegLogic.scene.segment_look import is_shown_in_3d

        return is_shown_in_3d(segmentationNode)

    def _onToggled(self, isShown: bool) -> None:
        from MedCLIPSegLogic.scene.segment_look import show_in_3d

        if self._logic.segmentationNode is not None:
            show_in_3d(self._logic.segmentationNode, isShown)
            self._logic.changed()
