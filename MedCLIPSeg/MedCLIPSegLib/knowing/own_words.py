"""Whether a prompt that is not understood may be asked in the model's own words."""

from typing import Any

import slicer

SETTINGS_KEY = "MedCLIPSeg/OwnWords"


class OwnWords:
    """A check box; the application's settings remember it.

    Args:
        ui: the panel's named widgets.
        settings: of the application.
    """

    def __init__(self, ui: Any, settings: Any) -> None:
        self._box, self._settings = ui.ownWordsCheckBox, settings
        self._box.checked = slicer.util.settingsValue(SETTINGS_KEY, False, converter=slicer.util.toBool)
        self._box.connect("toggled(bool)", self._onToggled)

    def isAllowed(self) -> bool:
        """Whether a person allowed it."""
        return bool(self._box.checked)

    def _onToggled(self, isAllowed: bool) -> None:
        self._settings.setValue(SETTINGS_KEY, isAllowed)
