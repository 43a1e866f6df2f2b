"""The Model section: which model, on which device."""

import html
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from MedCLIPSegLib.file_dialogs import askFolder
from MedCLIPSegLib.panel_logic import PanelLogic
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import ModelDescription, bundled_models, describe_model

FOLDERS_KEY = "MedCLIPSeg/ModelFolders"
DEVICE_KEY = "MedCLIPSeg/Device"


class ModelSection:
    """Chooser of bundled models and of folders opened from disk, with what is known of each; sample count and seed
    are bound to the parameter node.

    Args:
        ui: the panel's named widgets.
        logic: has the choice.
        settings: of the application, for opened folders and the device.
    """

    def __init__(self, ui: Any, logic: PanelLogic, settings: Any) -> None:
        self._combo, self._info, self._device = ui.modelComboBox, ui.modelInfoLabel, ui.deviceComboBox
        self._logic, self._settings = logic, settings
        for key, words in (("auto", _("Automatic")), ("cpu", _("Processor")), ("cuda", _("Graphics card"))):
            self._device.addItem(words, key)
        self._device.currentIndex = max(0, self._device.findData(str(settings.value(DEVICE_KEY) or "auto")))
        self._fill()
        self._combo.connect("currentIndexChanged(int)", self._onChosen)
        self._device.connect("currentIndexChanged(int)", self._onDevice)
        ui.openModelButton.connect("clicked()", self._onOpen)

    def device(self) -> str:
        """The device to compute on: "auto", "cpu" or "cuda"."""
        return str(self._device.currentData)

    def useProcessor(self) -> None:
        """Choose the processor as device."""
        self._device.currentIndex = self._device.findData("cpu")

    def refresh(self) -> None:
        """Show the model of the scene."""
        if self._logic.parameters is None:
            return
        name = self._logic.parameters.model
        if self._combo.findData(name) < 0:  # of a scene from another computer, or opened since
            self._fill(name)
        was = self._combo.blockSignals(True)
        self._combo.currentIndex = self._combo.findData(name)
        self._combo.blockSignals(was)
        self._combo.enabled = not self._logic.isRunning
        self._info.text = _infoText(describe_model(name))

    def _fill(self, extra: str = "") -> None:
        was = self._combo.blockSignals(True)
        self._combo.clear()
        names = [*bundled_models(), *self._folders(), *([extra] if extra else [])]
        for name in dict.fromkeys(names):
            self._combo.addItem(describe_model(name).title, name)
        self._combo.blockSignals(was)

    def _folders(self) -> list[str]:
        value = self._settings.value(FOLDERS_KEY)
        if isinstance(value, str):  # a list of one entry, read from a file
            value = [value]
        return [str(folder) for folder in value or ()]

    def _onChosen(self) -> None:
        if self._logic.parameters is not None:
            self._logic.parameters.model = self._combo.currentData

    def _onDevice(self) -> None:
        self._settings.setValue(DEVICE_KEY, self._device.currentData)

    def _onOpen(self) -> None:
        folder = askFolder(_("Open model folder"))
        if not folder:
            return
        description = describe_model(folder)
        if not description.is_on_disk:
            self._logic.said(
                _("The folder {folder} holds no model; choose one with config.json and model.safetensors.").format(
                    folder=folder
                )
            )
            return
        self._settings.setValue(FOLDERS_KEY, [*dict.fromkeys([*self._folders(), folder])])
        self._fill(folder)
        if self._logic.parameters is None:
            raise MedCLIPSegError(_("The scene is being closed; open the model again afterwards."))
        self._logic.parameters.model = folder


def _infoText(description: ModelDescription) -> str:
    lines = [description.purpose or _("The folder does not say what the model was trained for.")]
    lines.append(_("License: {license}.").format(license=description.license or _("not stated")))
    if description.is_on_disk:
        lines.append(_("{size} MB, on this computer.").format(size=f"{description.size_bytes / 1e6:.1f}"))
    else:
        lines.append(_("Not on this computer: {folder}.").format(folder=Path(description.folder)))
    return "<br>".join(html.escape(line) for line in lines)
