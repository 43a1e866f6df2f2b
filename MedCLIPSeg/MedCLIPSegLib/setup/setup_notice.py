"""The notice that says what is missing before the first run."""

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.setup.dependencies import Dependencies, SetupStep
from MedCLIPSegLogic.errors import DeviceError


class SetupNotice:
    """One sentence and one button above the run button; hidden when nothing is missing.

    Args:
        ui: the panel's named widgets.
        logic: says what went wrong.
        dependencies: knows what is missing.
        useProcessor: chooses the processor as device.
    """

    def __init__(
        self, ui: Any, logic: MedCLIPSegLogic, dependencies: Dependencies, useProcessor: Callable[[], None]
    ) -> None:
        self._notice, self._label, self._button = ui.setupNotice, ui.setupLabel, ui.setupButton
        self._logic = logic
        self._dependencies = dependencies
        self._useProcessor = useProcessor
        self._step: SetupStep | None = None
        self._button.connect("clicked()", self._onButton)

    def check(self) -> None:
        """Look what is missing and show it."""
        self._show(self._dependencies.nextStep())

    def onFailed(self, error: Exception) -> None:
        """Offer a way out of a failed run, where a button can."""
        if isinstance(error, DeviceError):
            self._show(
                SetupStep(_("PyTorch finds no graphics card it can use."), _("Use the processor"), self._useProcessor)
            )
        else:
            self.check()

    def _show(self, step: SetupStep | None) -> None:
        self._step = step
        self._notice.visible = step is not None
        if step is not None:
            self._label.text = step.sentence
            self._button.text = step.button

    def _onButton(self) -> None:
        if self._step is None:
            return
        self._button.enabled = False
        try:
            self._step.act()
        except Exception as error:  # one that leaves a slot is only printed
            self._logic.said(explained(error, "set-up failed"))
        else:
            self._logic.said("")
        finally:
            self._button.enabled = True
        self.check()
