"""The contours of the probability, in the Review section."""

from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.review.review_values import formatSize
from MedCLIPSegLib.section import Section
from MedCLIPSegLogic.errors import MedCLIPSegError


class ContoursSection(Section):
    """Shows within which outline the selected thing lies with which probability, and how large it would be then.

    The choice is saved with the scene, the contours are made anew. They stay when another module is opened, because
    people review in other modules too.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._checkBox, self._label = ui.reviewCollapsibleButton, ui.contoursCheckBox, ui.contoursLabel
        self._toolTip = self._checkBox.toolTip
        self._shown: tuple[Any, ...] | None = None
        self._section.connect("contentsCollapsed(bool)", self.refresh)

    def refresh(self) -> None:
        """Show the contours of the selected row, or none."""
        parameters = self._logic.parameters
        if parameters is None:
            self._shown = None  # they went with the scene
            return
        if self._logic.isWriting:
            return
        mapNode = self._logic.mapOf(self._logic.currentRow, "Probability")
        self._checkBox.enabled = mapNode is not None
        self._checkBox.toolTip = self._toolTip if mapNode is not None else _("Select a prompt with a result.")
        wanted = self._version(mapNode) if parameters.contoursVisible and mapNode is not None else None
        if wanted != self._shown:
            self._shown = wanted
            self._label.text = self._show(mapNode) if wanted is not None else self._hide()
        self._label.visible = bool(self._label.text) and not self._section.collapsed

    def cleanup(self) -> None:
        """Take the contours away: the panel goes away."""
        if self._shown is not None:
            self._hide()
        self._shown = None

    def _hide(self) -> str:
        """Take the contours away; there is nothing to say then."""
        from MedCLIPSegLogic.scene.contours import hide_contours

        hide_contours(slicer.mrmlScene)
        return ""

    def _version(self, mapNode: Any) -> tuple[Any, ...]:
        volumeNode, voxels = self._logic.volumeNode, mapNode.GetImageData()
        transform = volumeNode.GetTransformNodeID() if volumeNode is not None else None
        return mapNode.GetID(), voxels.GetMTime() if voxels is not None else 0, transform

    def _show(self, mapNode: Any) -> str:
        """Draw the contours; return what there is to say."""
        from MedCLIPSegLogic.scene.contours import show_contours
        from MedCLIPSegLogic.scene.volumes import size_of

        volumeNode = self._logic.volumeNode
        try:
            counts = show_contours(slicer.mrmlScene, mapNode, volumeNode)
        except MedCLIPSegError as error:
            return str(error)
        sizes = {level: formatSize(count, *size_of(count, volumeNode)) for level, count in counts.items()}
        return _("Size: {sizes}.").format(
            sizes=", ".join(
                _("{size} at {level}").format(size=size, level=f"{level:.0%}")
                for level, size in sorted(sizes.items(), reverse=True)
            )
        )
