"""The Export section: results into files and training sets."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import silenced, turnTimer
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.datasets.writing import Split
    from MedCLIPSegLogic.scene.export_set import ExportChoice, Format

FOLDER_KEY = "MedCLIPSeg/ExportFolder"
TRAINING_KEY = "MedCLIPSeg/TrainingFolder"
PARTS: tuple[Split, ...] = ("Train", "Val", "Test")


class ExportSection(Section):
    """Chosen segments, formats and maps into a folder; the selected prompt into a training set.

    An export writes one file per turn of the event loop, so that the panel stays alive; no run begins meanwhile. The
    application's settings remember both folders.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, settings: Any) -> None:
        super().__init__(ui, logic)
        self._settings = settings
        self._list = ui.exportSegmentsList
        self._segments: list[tuple[str, str]] = []
        self._segmentation: Any = None
        self._exporting: Generator[None, None, str] | None = None
        self._timer = turnTimer(self._step)
        self._boxes: tuple[tuple[Any, Format], ...] = (
            (ui.exportSegmentationCheckBox, "seg.nrrd"),
            (ui.exportNiftiCheckBox, "nii.gz"),
            (ui.exportNrrdCheckBox, "nrrd"),
            (ui.exportSurfaceCheckBox, "stl"),
        )
        for part in PARTS:
            ui.trainingSplitComboBox.addItem(part, part)
        for button, key in ((ui.exportFolderButton, FOLDER_KEY), (ui.trainingFolderButton, TRAINING_KEY)):
            # Else files would go to where the application was started.
            button.directory = str(settings.value(key) or Path.home())
        for box in (*(box for box, _ending in self._boxes), ui.exportMapsCheckBox):
            box.connect("toggled(bool)", self._refreshButtons)
        self._list.connect("itemChanged(QListWidgetItem*)", self._refreshButtons)
        ui.exportButton.connect("clicked()", self._onExport)
        ui.addTrainingRowButton.connect("clicked()", self._onAddTrainingRow)

    def refresh(self) -> None:
        """Show the segments of the image; ticks of those that stay are kept."""
        self._showSegments()
        self._refreshButtons()

    def cleanup(self) -> None:
        """Stop an export: the panel goes away."""
        self._stop()

    def _showSegments(self) -> None:
        segments = self._present()
        node = self._logic.segmentationNode
        if segments == self._segments and node is self._segmentation:
            return
        ticked = set(self._ticked())
        isSame = node is self._segmentation
        unticked = {segmentId for segmentId, _name in self._segments if segmentId not in ticked} if isSame else set()
        self._segments, self._segmentation = segments, node
        with silenced(self._list):
            self._list.clear()
            for segmentId, name in segments:
                item = qt.QListWidgetItem(name)
                item.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
                item.setCheckState(qt.Qt.Unchecked if segmentId in unticked else qt.Qt.Checked)
                item.setToolTip(name)
                self._list.addItem(item)

    def _refreshButtons(self) -> None:
        isReady = bool(self._segments) and not self._logic.isRunning and self._exporting is None
        choosesFile = self._ui.exportMapsCheckBox.checked or any(box.checked for box, _ending in self._boxes)
        row = self._logic.currentRow
        self._ui.exportCollapsibleButton.enabled = bool(self._segments)
        self._ui.exportButton.enabled = isReady and choosesFile and bool(self._ticked())
        self._ui.addTrainingRowButton.enabled = isReady and self._logic.segmentOf(row) is not None

    def _present(self) -> list[tuple[str, str]]:
        """IDs and names of all segments of the image's segmentation."""
        node = self._logic.segmentationNode
        if node is None or self._logic.volumeNode is None:
            return []
        segmentation = node.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
        return [(segmentId, segmentation.GetSegment(segmentId).GetName()) for segmentId in ids]

    def _ticked(self) -> tuple[str, ...]:
        return tuple(
            segmentId
            for index, (segmentId, _name) in enumerate(self._segments)
            if self._list.item(index).checkState() == qt.Qt.Checked
        )

    def _choice(self) -> ExportChoice:
        from MedCLIPSegLogic.scene.export_set import ExportChoice

        formats = frozenset(ending for box, ending in self._boxes if box.checked)
        return ExportChoice(self._ticked(), formats, self._ui.exportMapsCheckBox.checked)

    def _onExport(self) -> None:
        if self._exporting is not None or self._logic.isRunning:
            return  # a second click before the button was disabled
        self._exporting = self._export()
        self._logic.isExporting = True
        self._refreshButtons()
        self._timer.start()

    def _step(self) -> None:
        if self._exporting is None:
            return
        self._timer.stop()  # a question turns the event loop
        try:
            next(self._exporting)
        except StopIteration as end:
            self._end(end.value)
        except Exception as error:  # one that leaves a slot is only printed
            self._end(explained(error, "the export failed"))
        else:
            self._timer.start()

    def _end(self, text: str) -> None:
        self._stop()
        self._ui.exportStatusLabel.text = text
        self._refreshButtons()

    def _stop(self) -> None:
        self._timer.stop()
        steps, self._exporting = self._exporting, None
        self._logic.isExporting = False
        if steps is not None:
            steps.close()

    def _export(self) -> Generator[None, None, str]:
        from MedCLIPSegLogic.scene.export_set import earlier_files, export_steps, listed

        folder = Path(self._ui.exportFolderButton.directory)
        segmentation, volumeNode, choice = self._logic.segmentationNode, self._logic.volumeNode, self._choice()
        _requireInScene(segmentation, volumeNode)
        earlier = earlier_files(folder)
        if earlier and not self._logic.confirm(
            _("The folder {folder} already holds an export of {count} files ({names}). Replace all of them?").format(
                folder=folder, count=len(earlier), names=listed(earlier)
            )
        ):
            return _("Nothing was exported; choose another folder.")
        steps = export_steps(segmentation, volumeNode, choice, folder, bool(earlier))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                files = end.value
                break
            self._ui.exportStatusLabel.text = _("Exporting…")
            yield
            _requireInScene(segmentation, volumeNode)
        self._settings.setValue(FOLDER_KEY, str(folder))
        return _("{count} files written to {folder}.").format(count=len(files), folder=folder)

    def _addTrainingRow(self) -> str:
        from MedCLIPSegLogic.scene.export_record import add_training_row

        folder = Path(self._ui.trainingFolderButton.directory)
        row = self._logic.currentRow
        segmentId = self._logic.segmentOf(row)
        if row is None or segmentId is None:
            return _("Select a prompt with a result.")
        part = PARTS[self._ui.trainingSplitComboBox.currentIndex]
        sheet = add_training_row(self._logic.segmentationNode, segmentId, self._logic.volumeNode, folder, part)
        self._settings.setValue(TRAINING_KEY, str(folder))
        return _("“{name}” was added to {sheet}.").format(name=row.label, sheet=sheet)

    def _onAddTrainingRow(self) -> None:
        try:
            text = self._addTrainingRow()
        except Exception as error:  # one that leaves a slot is only printed
            text = explained(error, "the export failed")
        self._ui.exportStatusLabel.text = text


def _requireInScene(*nodes: Any) -> None:
    if any(node is None or node.GetScene() is None for node in nodes):
        raise MedCLIPSegError(_("The image or its segments are no longer in the scene, so nothing was exported."))
