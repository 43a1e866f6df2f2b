"""Whether a prompt that is not understood may be asked in the model's own words."""

from typing import Any

import slicer

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section

SETTINGS_KEY = "MedCLIPSeg/OwnWords"


class OwnWords(Section):
    """A check box, there for models that say what they know; the application's settings remember it."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, settings: Any) -> None:
        super().__init__(ui, logic)
        self._box, self._settings = ui.ownWordsCheckBox, settings
        self._box.checked = slicer.util.settingsValue(SETTINGS_KEY, False, converter=slicer.util.toBool)
        self._box.connect("toggled(bool)", self._onToggled)

    def refresh(self) -> None:
        """Offer the choice where it means something."""
        if not self._ui.promptsCollapsibleButton.collapsed:
            self._box.visible = self._logic.knowledge is not None

    def isAllowed(self) -> bool:
        """Whether a person allowed it."""
        return bool(self._box.checked)

    def _onToggled(self, isAllowed: bool) -> None:
        self._settings.setValue(SETTINGS_KEY, isAllowed)
