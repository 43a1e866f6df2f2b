"""What every section of the panel has and can be told."""

from typing import Any

from MedCLIPSegLib.module_logic import MedCLIPSegLogic


class Section:
    """A part of the panel; does nothing unless it says otherwise.

    Args:
        ui: the panel's named widgets.
        logic: state and work of the module.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        self._ui, self._logic = ui, logic

    def enter(self) -> None:
        """The panel is shown: turn keys on and look again at what may have changed."""

    def exit(self) -> None:
        """Another module is shown: let keys and views go. A run goes on."""

    def refresh(self) -> None:
        """Show the state of the logic."""

    def cleanup(self) -> None:
        """The panel goes away: let go of everything."""
