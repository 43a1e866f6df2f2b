"""The Model section: which model, on which device."""

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.file_dialogs import askFolder
from MedCLIPSegLib.panel_logic import PanelLogic
from MedCLIPSegLib.prompt_history import settingsList
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import ModelDescription, bundled_models, describe_model, require_model_folder

FOLDERS_KEY = "MedCLIPSeg/ModelFolders"
DEVICE_KEY = "MedCLIPSeg/Device"
AUTOMATIC, PROCESSOR, GRAPHICS_CARD = "auto", "cpu", "cuda"


class ModelSection:
    """Chooser of bundled models and of folders opened from disk, with what is known of each; sample count and seed
    are bound to the parameter node.

    Args:
        ui: the panel's named widgets.
        logic: has the choice.
        settings: of the application, for opened folders and the device.
    """

    def __init__(self, ui: Any, logic: PanelLogic, settings: Any) -> None:
        self._section, self._open = ui.modelCollapsibleButton, ui.openModelButton
        self._combo, self._info, self._device = ui.modelComboBox, ui.modelInfoLabel, ui.deviceComboBox
        self._logic, self._settings = logic, settings
        self._described = ""
        for key, words in (
            (AUTOMATIC, _("Automatic")),
            (PROCESSOR, _("Processor")),
            (GRAPHICS_CARD, _("Graphics card")),
        ):
            self._device.addItem(words, key)
        self._device.currentIndex = max(0, self._device.findData(settings.value(DEVICE_KEY)))
        for name in [*bundled_models(), *settingsList(settings.value(FOLDERS_KEY))]:
            self._offer(name)
        self._combo.connect("currentIndexChanged(int)", self._onChosen)
        self._device.connect("currentIndexChanged(int)", self._onDevice)
        self._open.connect("clicked()", self._onOpen)

    def device(self) -> str:
        """The device to compute on: "auto", "cpu" or "cuda"."""
        return str(self._device.currentData)

    def useProcessor(self) -> None:
        """Choose the processor as device, for later sessions too."""
        self._device.currentIndex = self._device.findData(PROCESSOR)

    def enter(self) -> None:
        """Look again at the disk: folders come and go."""
        self._described = ""
        self.refresh()

    def refresh(self) -> None:
        """Show the model of the scene."""
        parameters = self._logic.parameters
        isFree = parameters is not None and not self._logic.isRunning
        self._combo.enabled = self._open.enabled = isFree
        if parameters is None:
            return
        self._offer(parameters.model)
        was = self._combo.blockSignals(True)
        self._combo.currentIndex = self._combo.findData(parameters.model)
        self._combo.blockSignals(was)
        if parameters.model != self._described:
            self._describe(parameters.model)

    def _describe(self, name: str) -> None:
        self._described = name
        description = describe_model(name)
        self._info.text = _infoText(description)
        self._combo.setItemText(self._combo.findData(name), description.title)
        if not description.on_disk:
            self._section.collapsed = False

    def _offer(self, name: str) -> None:
        """Put a model into the list unless it is there."""
        if self._combo.findData(name) < 0:
            was = self._combo.blockSignals(True)
            self._combo.addItem(describe_model(name).title, name)
            self._combo.setItemData(self._combo.findData(name), name, qt.Qt.ToolTipRole)
            self._combo.blockSignals(was)

    def _onChosen(self) -> None:
        if self._logic.parameters is not None and self._combo.currentIndex >= 0:
            self._logic.parameters.model = self._combo.currentData

    def _onDevice(self) -> None:
        self._settings.setValue(DEVICE_KEY, self.device())

    def _onOpen(self) -> None:
        chosen = askFolder(_("Open model folder"))
        if not chosen or self._logic.parameters is None:
            return
        try:
            name = str(require_model_folder(Path(chosen)).folder)
        except MedCLIPSegError as error:
            self._logic.said(str(error))
            return
        folders = settingsList(self._settings.value(FOLDERS_KEY))
        self._settings.setValue(FOLDERS_KEY, list(dict.fromkeys([*folders, name])))
        self._described = ""
        self._offer(name)
        self._logic.parameters.model = name
        self.refresh()


def _infoText(description: ModelDescription) -> str:
    """Purpose, license, size and place, a line each."""
    lines = [description.purpose or _("What the model was trained for is not stated.")]
    lines.append(_("License: {license}").format(license=description.license or _("not stated")))
    if description.on_disk:
        lines.append(_("{size} MB, on this computer").format(size=f"{description.size_bytes / 1e6:.1f}"))
    else:
        lines.append(
            _("{folder} is not on this computer any more: open it again or choose another model.").format(
                folder=description.folder
            )
        )
    return "\n".join(lines)
