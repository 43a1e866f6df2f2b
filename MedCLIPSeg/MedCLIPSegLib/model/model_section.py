"""The Model section: which model, on which device, with how many threads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.application import askFolder, settingsList
from MedCLIPSegLib.model.model_download import ModelDownload
from MedCLIPSegLib.model.volume_settings import VolumeSettings
from MedCLIPSegLib.model.zero_shot_choices import METHODS, isZeroShot, labelOf, methodTitle
from MedCLIPSegLib.model.zero_shot_settings import ZeroShotSettings, methodText
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, silenced
from MedCLIPSegLogic.model.catalog import ModelDescription, describe_model, known_models, require_model_folder
from MedCLIPSegLogic.model.manifest import size_text, zoo

if TYPE_CHECKING:
    from MedCLIPSegLogic.zoo.hub import DownloadProgress, Step

FOLDERS_KEY = "MedCLIPSeg/ModelFolders"
DEVICE_KEY = "MedCLIPSeg/Device"
THREADS_KEY = "MedCLIPSeg/Threads"
AUTOMATIC, PROCESSOR, GRAPHICS_CARD = "auto", "cpu", "cuda"


class ModelSection(Section):
    """Chooser of bundled, installed and published models, of folders opened from disk and of methods without training
    data, with what is known of each and a button that downloads it; sample count and seed are bound to the parameter
    node.
    The application's settings remember opened folders, the device and the number of threads.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, settings: Any) -> None:
        super().__init__(ui, logic)
        self._section, self._open = ui.modelCollapsibleButton, ui.openModelButton
        self._combo, self._info, self._device = ui.modelComboBox, ui.modelInfoLabel, ui.deviceComboBox
        self._threads = ui.threadsSpinBox
        self._settings = settings
        self._button, self._bar = ui.downloadModelButton, ui.downloadModelBar
        self._described = ""
        self.download = ModelDownload(logic)
        self._zeroShot = ZeroShotSettings(ui, logic)
        self._ofVolumes = VolumeSettings(ui, logic)
        devices = [(AUTOMATIC, _("Automatic")), (PROCESSOR, _("Processor")), (GRAPHICS_CARD, _("Graphics card"))]
        offerEntries(self._device, devices)
        self._device.currentIndex = max(0, self._device.findData(settings.value(DEVICE_KEY)))
        self._threads.maximum = os.cpu_count() or 1
        self._threads.value = _storedNumber(settings.value(THREADS_KEY), self._threads.maximum)
        for name in [*known_models(), *settingsList(settings.value(FOLDERS_KEY))]:
            if describe_model(name).kind == "model":  # others can't segment
                self._offer(name)
        for name in METHODS:
            self._combo.addItem(methodTitle(name), name)
        self._combo.connect("currentIndexChanged(int)", self._onChosen)
        self._section.connect("contentsCollapsed(bool)", self._onCollapsed)
        self._device.connect("currentIndexChanged(int)", self._onDevice)
        self._threads.connect("valueChanged(int)", self._onThreads)
        self._open.connect("clicked()", self._onOpen)
        self._button.connect("clicked()", self._onDownload)
        self.download.changed.connect(self.refresh)
        self.download.progressed.connect(self._onProgress)
        self.download.ended.connect(self._onDownloaded)

    def device(self) -> str:
        """The device to compute on: "auto", "cpu" or "cuda"."""
        return str(self._device.currentData)

    def threads(self) -> str | int:
        """The number of processor threads to compute with; "auto" for what other programs leave."""
        return int(self._threads.value) or AUTOMATIC

    def useProcessor(self) -> None:
        """Choose the processor as device, for later sessions too."""
        self._device.currentIndex = self._device.findData(PROCESSOR)

    def enter(self) -> None:
        """Look again at the disk: folders come and go."""
        self._described = ""
        self._zeroShot.look()
        self.refresh()

    def refresh(self) -> None:
        """Show the model of the scene."""
        parameters = self._logic.parameters
        isFree = parameters is not None and not self._logic.isRunning
        self._combo.enabled = self._open.enabled = isFree
        self._refreshDownload()
        self._zeroShot.refresh()
        self._ofVolumes.refresh()
        if parameters is None:
            return
        self._offer(parameters.model)
        with silenced(self._combo):
            self._combo.currentIndex = self._combo.findData(parameters.model)
        if parameters.model != self._described:
            self._describe(parameters.model)

    def cleanup(self) -> None:
        """End a download: Slicer quits or the module is reloaded."""
        self.download.shutDown()

    def _onCollapsed(self, isCollapsed: bool) -> None:
        if not isCollapsed:  # which shows again what was hidden meanwhile
            self.refresh()

    def _refreshDownload(self) -> None:
        entry = self.download.entry
        self._bar.visible = entry is not None
        if entry is not None:
            self._button.visible, self._button.text = True, _("Cancel the download")
            return
        self._bar.value = 0
        self._button.text = _("Download model…")
        name = self._wanted()
        self._button.visible = name in zoo() and not describe_model(name).on_disk

    def _wanted(self) -> str:
        """Name of the model that the button would download."""
        if self._logic.parameters is None:
            return ""
        model = self._logic.parameters.model
        return self._zeroShot.missing() if isZeroShot(model) else model

    def _onDownload(self) -> None:
        if self.download.entry is not None:
            self.download.cancel()
        elif self._wanted() in zoo():
            self.download.start(zoo()[self._wanted()])

    def _onProgress(self, progress: DownloadProgress) -> None:
        self._bar.value = round(progress.fraction * self._bar.maximum)
        self._bar.format = _downloadText(progress)

    def _onDownloaded(self, name: str) -> None:
        self._described = ""
        self._zeroShot.look()
        if self._combo.findData(name) >= 0:
            self._combo.setItemText(self._combo.findData(name), labelOf(describe_model(name)))
        self.refresh()

    def _describe(self, name: str) -> None:
        self._described = name
        if isZeroShot(name):
            self._info.text = methodText(name)
            return
        description = describe_model(name)
        self._info.text = _infoText(description)
        self._combo.setItemText(self._combo.findData(name), labelOf(description))
        if not description.on_disk:
            self._section.collapsed = False

    def _offer(self, name: str) -> None:
        """Put a model into the list unless it is there."""
        if self._combo.findData(name) < 0:
            with silenced(self._combo):
                self._combo.addItem(labelOf(describe_model(name)), name)
                self._combo.setItemData(self._combo.findData(name), name, qt.Qt.ToolTipRole)

    def _onChosen(self) -> None:
        if self._logic.parameters is not None and self._combo.currentIndex >= 0:
            self._logic.parameters.model = self._combo.currentData

    def _onDevice(self) -> None:
        self._settings.setValue(DEVICE_KEY, self.device())

    def _onThreads(self) -> None:
        self._settings.setValue(THREADS_KEY, int(self._threads.value))

    def _onOpen(self) -> None:
        chosen = askFolder(_("Open model folder"))
        if not chosen or self._logic.parameters is None:
            return
        with self._logic.sayingErrors():
            name = str(require_model_folder(Path(chosen)).folder)
            folders = settingsList(self._settings.value(FOLDERS_KEY))
            self._settings.setValue(FOLDERS_KEY, list(dict.fromkeys([*folders, name])))
            self._described = ""
            self._offer(name)
            self._logic.parameters.model = name
            self.refresh()


def _storedNumber(value: Any, most: int) -> int:
    """A number of the settings, whose files hold texts; 0 for anything else."""
    try:
        return min(max(0, int(value)), most)
    except (TypeError, ValueError):
        return 0


def _downloadText(progress: DownloadProgress) -> str:
    """Percent and megabytes, or what is done beside receiving."""
    words = stepWords()[progress.step] if progress.total or progress.step != "downloading" else "%p %"
    return words.format(received=round(progress.received / 1e6), total=round(progress.total / 1e6))


def stepWords() -> dict[Step, str]:
    """What a download does, by its code."""
    return {
        "asking": _("Asking the hub for the size"),
        "downloading": _("%p %, {received} of {total} MB"),
        "checking": _("Checking"),
        "making": _("Making the model"),
        "waiting": _("Waiting for another download of this model"),
    }


def _infoText(description: ModelDescription) -> str:
    """Purpose, license, size and place, a line each."""
    lines = [description.purpose or _("What the model was trained for is not stated.")]
    lines.append(_("License: {license}").format(license=description.license_text))
    if description.on_disk:
        lines.append(_("{size} MB, on this computer").format(size=f"{description.size_bytes / 1e6:.1f}"))
    elif description.published is not None:
        size, isKnown = description.published.download_size()
        words = _("Download of {size}") if isKnown else _("Download of at least {size}")
        lines.append(words.format(size=size_text(size)))
    else:
        lines.append(
            _("{folder} is not on this computer any more: open it again or choose another model.").format(
                folder=description.folder
            )
        )
    return "\n".join(lines)
