"""The overlay of the Review section: a map over the slice views."""

import math
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, removeShortcut, shortcut, silenced

EXPECTED_ENTROPY = "ExpectedEntropy"
DERIVED_FROM = {EXPECTED_ENTROPY: ("Uncertainty", "MutualInformation")}
"""Maps that are made of others when they are first shown."""


class OverlaySection(Section):
    """Shows the chosen map of the selected prompt, switched by a check box and the key U.

    The overlay stays when another module is opened, because people review in other modules too; only the key is let go.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._section, self._checkBox, self._combo = (
            ui.reviewCollapsibleButton,
            ui.overlayCheckBox,
            ui.overlayMapComboBox,
        )
        self._parameters: Any = None
        self._shown: tuple[Any, ...] | None = None
        self._opened: set[str] = set()
        self._shortcut: Any = None
        self._layoutManager: Any = None
        self._outlinesToolTip = ui.outlinesOnlyCheckBox.toolTip
        self._toolTip = self._checkBox.toolTip
        offerEntries(self._combo, _maps())
        self._checkBox.connect("toggled(bool)", self._onToggled)
        self._combo.connect("currentIndexChanged(int)", self._onMapChosen)

    def enter(self) -> None:
        """Listen to the key and to new slice views."""
        self._removeShortcut()
        parent = slicer.util.mainWindow() or self._section.parent()
        self._shortcut = shortcut("U", parent, self._onKey)
        self._layoutManager = slicer.app.layoutManager()
        if self._layoutManager is not None:
            self._layoutManager.connect("layoutChanged(int)", self._onLayoutChanged)

    def exit(self) -> None:
        """Let the key go; the overlay stays as it is."""
        self._removeShortcut()
        if self._layoutManager is not None:
            self._layoutManager.disconnect("layoutChanged(int)", self._onLayoutChanged)
            self._layoutManager = None

    def cleanup(self) -> None:
        """Let go of everything: the panel goes away."""
        self.exit()
        self._parameters, self._shown = None, None

    def refresh(self) -> None:
        """Show the choices of the scene, in the panel and in the views."""
        parameters = self._logic.parameters
        if parameters is not self._parameters:  # another scene, or the same one entered again
            self._parameters, self._shown = parameters, None
        if parameters is None:
            self._opened.clear()
            return
        self._openOnce()
        self._refreshChoice()
        obstacle = self._obstacle()
        isShown = parameters.overlayVisible and not obstacle
        with silenced(self._checkBox):
            self._checkBox.checked = isShown
        self._checkBox.enabled = not obstacle
        self._checkBox.toolTip = obstacle or self._toolTip
        self._ui.outlinesOnlyCheckBox.enabled = not isShown
        self._ui.outlinesOnlyCheckBox.toolTip = (
            _("While a map is shown, segments are always outlines.") if isShown else self._outlinesToolTip
        )
        if not self._logic.isWriting:
            self._refreshViews(isShown)

    def _openOnce(self) -> None:
        """Open the section when an image has its first results; whether it stays open is up to the user."""
        hasResults = self._logic.hasResults
        self._section.enabled = hasResults
        volumeNode = self._logic.volumeNode
        if hasResults and volumeNode is not None and volumeNode.GetID() not in self._opened:
            self._opened.add(volumeNode.GetID())
            self._section.collapsed = False

    def _refreshChoice(self) -> None:
        index = self._combo.findData(self._parameters.overlayMap)
        if index != self._combo.currentIndex:
            with silenced(self._combo):
                self._combo.currentIndex = index
        slider, highest = self._ui.overlayMinimumSlider, self._highest()
        decimals = 2 - math.floor(math.log10(highest) + 0.5)
        maximum = math.floor(10**decimals * highest) / 10**decimals
        if slider.maximum != maximum:
            slider.decimals, slider.singleStep, slider.maximum = decimals, 10.0**-decimals, maximum

    def _highest(self) -> float:
        """Upper end of the range of the chosen map."""
        from MedCLIPSegLogic.scene.map_volumes import MAP_ROLES, PROBABILITY, display_range

        role = next((role for role in MAP_ROLES if role.name == self._parameters.overlayMap), PROBABILITY)
        return display_range(role, self._logic.mapOf(self._logic.currentRow, role.name) if role.is_small else None)

    def _obstacle(self) -> str:
        """Why the chosen map of the selected row cannot be shown; empty when it can."""
        row = self._logic.currentRow
        if row is None or not row.canRun:
            return _("Select a prompt to show its map.")
        if self._logic.segmentOf(row) is None:
            return _("“{name}” has no result yet; segment it first.").format(name=row.label)
        if not self._hasMap(row):
            return _("“{name}” has no map of this kind; choose another map or segment again.").format(name=row.label)
        return ""

    def _hasMap(self, row: PromptRow) -> bool:
        role = self._parameters.overlayMap
        return all(self._logic.mapOf(row, source) is not None for source in DERIVED_FROM.get(role, (role,)))

    def _refreshViews(self, isShown: bool) -> None:
        from MedCLIPSegLogic.scene.overlay import hide_overlay, show_overlay
        from MedCLIPSegLogic.scene.segment_look import set_outlines_only

        parameters, segmentation = self._parameters, self._logic.segmentationNode
        mapNode = self._logic.mapOf(self._logic.currentRow, parameters.overlayMap) if isShown else None
        wanted: tuple[Any, ...] = (False,)
        if mapNode is not None:
            ids = (mapNode.GetID(), segmentation.GetID() if segmentation is not None else None)
            wanted = (True, *ids, parameters.overlayOpacity, parameters.overlayMinimum)
        if wanted != self._shown:
            if mapNode is not None:
                show_overlay(
                    slicer.mrmlScene,
                    mapNode,
                    segmentation,
                    opacity=parameters.overlayOpacity,
                    minimum=parameters.overlayMinimum,
                )
            else:
                hide_overlay(slicer.mrmlScene)
            self._shown = wanted
        # The overlay keeps and restores the filling that it finds.
        if mapNode is None and segmentation is not None:
            set_outlines_only(segmentation, parameters.outlinesOnly)

    def _onToggled(self, checked: bool) -> None:
        if self._parameters is not None:
            self._parameters.overlayVisible = checked

    def _onMapChosen(self) -> None:
        from MedCLIPSegLogic.scene.map_volumes import HIDDEN_BELOW

        chosen = self._combo.currentData
        if self._parameters is not None and chosen and chosen != self._parameters.overlayMap:
            self._parameters.overlayMap = chosen
            # Values of the maps differ by orders of magnitude; what is right for one hides all of another.
            self._refreshChoice()
            slider = self._ui.overlayMinimumSlider
            self._parameters.overlayMinimum = round(HIDDEN_BELOW * self._highest(), slider.decimals)

    def _onKey(self) -> None:
        if self._checkBox.enabled:
            self._checkBox.checked = not self._checkBox.checked
        elif self._parameters is not None:
            self._logic.said(self._checkBox.toolTip)

    def _onLayoutChanged(self) -> None:
        """Lay the map over views that were not there before."""
        if self._shown is not None and self._shown[0]:
            self._shown = None
            self.refresh()

    def _removeShortcut(self) -> None:
        if self._shortcut is not None:
            removeShortcut(self._shortcut)
            self._shortcut = None


def _maps() -> list[tuple[str, str]]:
    return [
        ("Uncertainty", _("Total entropy")),
        (EXPECTED_ENTROPY, _("Expected entropy")),
        ("MutualInformation", _("Mutual information")),
        ("PlaneDisagreement", _("Disagreement of the planes")),
        ("Probability", _("Probability")),
    ]
