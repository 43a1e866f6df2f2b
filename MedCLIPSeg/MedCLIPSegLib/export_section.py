"""The Export section: results into files and training sets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.scene.export_set import ExportChoice

FOLDER_KEY = "MedCLIPSeg/ExportFolder"
TRAINING_KEY = "MedCLIPSeg/TrainingFolder"


class ExportSection:
    """Chosen segments, formats and maps into a folder; the selected prompt into a training set.

    Args:
        ui: the panel's named widgets.
        logic: has the results.
        settings: of the application; remembers both folders.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, settings: Any) -> None:
        self._ui, self._logic, self._settings = ui, logic, settings
        self._list = ui.exportSegmentsList
        self._segments: list[tuple[str, str]] = []
        self._boxes = (
            (ui.exportSegmentationCheckBox, "seg.nrrd"),
            (ui.exportNiftiCheckBox, "nii.gz"),
            (ui.exportNrrdCheckBox, "nrrd"),
            (ui.exportSurfaceCheckBox, "stl"),
        )
        for words in ("Train", "Val", "Test"):
            ui.trainingSplitComboBox.addItem(words, words)
        for button, key in ((ui.exportFolderButton, FOLDER_KEY), (ui.trainingFolderButton, TRAINING_KEY)):
            folder = settings.value(key)
            if folder:
                button.directory = str(folder)
        ui.exportButton.connect("clicked()", self._onExport)
        ui.addTrainingRowButton.connect("clicked()", self._onAddTrainingRow)

    def refresh(self) -> None:
        """Show the segments of the image; ticks of those that stay are kept."""
        segments = self._present()
        if segments != self._segments:
            unticked = {
                self._segments[index][0]
                for index in range(len(self._segments))
                if self._list.item(index).checkState() == qt.Qt.Unchecked
            }
            self._segments = segments
            self._list.clear()
            for segmentId, name in segments:
                item = qt.QListWidgetItem(name)
                item.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
                item.setCheckState(qt.Qt.Unchecked if segmentId in unticked else qt.Qt.Checked)
                self._list.addItem(item)
        isReady = bool(segments) and not self._logic.isRunning
        row = self._logic.currentRow
        self._ui.exportCollapsibleButton.enabled = bool(segments)
        self._ui.exportButton.enabled = isReady
        self._ui.addTrainingRowButton.enabled = isReady and row is not None and self._logic.segmentOf(row) is not None

    def _present(self) -> list[tuple[str, str]]:
        """IDs and names of all segments of the image's segmentation."""
        node = self._logic.segmentationNode
        if node is None or self._logic.volumeNode is None:
            return []
        segmentation = node.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
        return [(segmentId, segmentation.GetSegment(segmentId).GetName()) for segmentId in ids]

    def _choice(self) -> "ExportChoice":
        from MedCLIPSegLogic.scene.export_set import ExportChoice

        ticked = tuple(
            segmentId
            for index, (segmentId, _name) in enumerate(self._segments)
            if self._list.item(index).checkState() == qt.Qt.Checked
        )
        formats = frozenset(ending for box, ending in self._boxes if box.checked)
        return ExportChoice(ticked, formats, self._ui.exportMapsCheckBox.checked)

    def _onExport(self) -> None:
        from MedCLIPSegLogic.scene.export_set import RECORD_FILE, export_results

        folder = Path(self._ui.exportFolderButton.directory)
        overwrite = (folder / RECORD_FILE).exists()
        if overwrite and not self._logic.confirm(
            _("The folder {folder} already holds an export. Replace it?").format(folder=folder)
        ):
            return

        def export() -> str:
            files = export_results(
                self._logic.segmentationNode, self._logic.volumeNode, self._choice(), folder, overwrite
            )
            self._settings.setValue(FOLDER_KEY, str(folder))
            return _("{count} files written to {folder}.").format(count=len(files), folder=folder)

        self._try(export)

    def _onAddTrainingRow(self) -> None:
        from MedCLIPSegLogic.scene.training_row import add_training_row

        folder = Path(self._ui.trainingFolderButton.directory)
        row = self._logic.currentRow

        def add() -> str:
            sheet = add_training_row(
                self._logic.segmentationNode,
                self._logic.segmentOf(row),
                self._logic.volumeNode,
                folder,
                self._ui.trainingSplitComboBox.currentData,
            )
            self._settings.setValue(TRAINING_KEY, str(folder))
            return _("Added to {sheet}.").format(sheet=sheet)

        self._try(add)

    def _try(self, act: Callable[[], str]) -> None:
        try:
            text = act()
        except MedCLIPSegError as error:
            text = str(error)
        self._ui.exportStatusLabel.text = text
