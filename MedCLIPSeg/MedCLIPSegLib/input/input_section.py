"""The Input section: which image, and how much of it."""

from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.input.intensity_choices import intensityChoices
from MedCLIPSegLib.input.plane_section import AUTO, PlaneSection, planeWords
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLib.run.order import RANGE, SLICE, VOLUME
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, selectEntry, silenced


class InputSection(Section):
    """Image, part of it, plane and gray values; the image selector itself is bound to the parameter node.

    A line below tells where the file of the image leaves its geometry open.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        # Notes on the image, and of which image and file they are: a file is read once.
        self._notes, self._notesOf = "", ("", "")
        self._choices = (
            (ui.scopeComboBox, "scope", _scopes()),
            (ui.planeComboBox, "plane", _planes()),
            (ui.intensityComboBox, "intensity", intensityChoices()),
        )
        for combo, _name, choices in self._choices:
            offerEntries(combo, choices)
            combo.connect("currentIndexChanged(int)", self._onChoice)
        self._planes = PlaneSection(ui, logic)
        ui.firstSliceSpinBox.connect("valueChanged(int)", self._onRange)
        ui.lastSliceSpinBox.connect("valueChanged(int)", self._onRange)
        ui.loadImageButton.connect("clicked()", lambda: slicer.util.openAddDataDialog())

    def refresh(self) -> None:
        """Show the choices of the scene."""
        parameters = self._logic.parameters
        if parameters is None:
            return
        self._hideMaps()
        for combo, name, _choices in self._choices:
            selectEntry(combo, getattr(parameters, name), getattr(parameters, name))
        self._planes.refresh()
        self._refreshRange(parameters)
        self._refreshNotes()
        self._offerWhatApplies()

    def _offerWhatApplies(self) -> None:
        """Without an image a way to load one; of a single slice no choice of slices; of colors none of gray values."""
        volumeNode, ui = self._logic.volumeNode, self._ui
        image = volumeNode.GetImageData() if volumeNode is not None else None
        ui.loadImageButton.visible = volumeNode is None
        hasSlices = image is not None and min(image.GetDimensions()) > 1
        for widget in (ui.scopeLabel, ui.scopeComboBox, ui.planeLabel, ui.planeComboBox, ui.threePlanesCheckBox):
            widget.visible = hasSlices
        isGray = volumeNode is not None and not volumeNode.IsA("vtkMRMLVectorVolumeNode")
        for widget in (ui.intensityLabel, ui.intensityComboBox):
            widget.visible = isGray

    def _refreshRange(self, parameters: MedCLIPSegParameterNode) -> None:
        axis = self._logic.sliceAxis
        isRange = parameters.scope == RANGE
        for widget in (
            self._ui.sliceRangeLabel,
            self._ui.firstSliceSpinBox,
            self._ui.sliceRangeToLabel,
            self._ui.lastSliceSpinBox,
        ):
            widget.visible = isRange
        count = axis.count if axis is not None else 1
        for spinBox, value in (
            (self._ui.firstSliceSpinBox, parameters.firstSlice),
            (self._ui.lastSliceSpinBox, parameters.lastSlice),
        ):
            with silenced(spinBox):
                spinBox.setRange(1, count)
                spinBox.value = min(value + 1, count)

    def _refreshNotes(self) -> None:
        volumeNode = self._logic.volumeNode
        storageNode = volumeNode.GetStorageNode() if volumeNode is not None else None
        noted = "", ""
        if volumeNode is not None and storageNode is not None:
            noted = volumeNode.GetID(), storageNode.GetFileName() or ""
        if noted != self._notesOf:
            self._notes, self._notesOf = "\n".join(_fileNotes(volumeNode)), noted
        self._ui.inputNoteLabel.text = self._notes
        self._ui.inputNoteLabel.visible = bool(self._notes)

    def _hideMaps(self) -> None:
        """Keep maps made by the module out of the list of images."""
        from MedCLIPSegLogic.scene.map_volumes import map_nodes

        hidden = [node.GetID() for node in map_nodes(slicer.mrmlScene)]
        proxy = self._ui.inputVolumeSelector.sortFilterProxyModel()
        if list(proxy.hiddenNodeIDs or ()) != hidden:
            proxy.hiddenNodeIDs = hidden

    def _onChoice(self) -> None:
        parameters = self._logic.parameters
        if parameters is None:
            return
        for combo, name, _choices in self._choices:
            if combo.currentData != getattr(parameters, name):
                if name == "scope" and combo.currentData == RANGE and parameters.lastSlice <= parameters.firstSlice:
                    axis = self._logic.sliceAxis
                    parameters.firstSlice, parameters.lastSlice = 0, axis.count - 1 if axis is not None else 0
                setattr(parameters, name, combo.currentData)

    def _onRange(self) -> None:
        if self._logic.parameters is not None:
            self._logic.parameters.firstSlice = self._ui.firstSliceSpinBox.value - 1
            self._logic.parameters.lastSlice = self._ui.lastSliceSpinBox.value - 1


def _fileNotes(volumeNode: slicer.vtkMRMLVolumeNode | None) -> tuple[str, ...]:
    try:
        from MedCLIPSegLogic.scene.volumes import file_notes

        return file_notes(volumeNode) if volumeNode is not None else ()
    except ModuleNotFoundError:  # packages may not be installed before the first run
        return ()


def _scopes() -> list[tuple[str, str]]:
    return [(VOLUME, _("Whole volume")), (SLICE, _("Slice in view")), (RANGE, _("Range of slices"))]


def _planes() -> list[tuple[str, str]]:
    return [(AUTO, _("Automatic")), *planeWords().items()]
