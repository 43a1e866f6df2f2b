"""The panel: its sections, and when they are refreshed."""

import logging
from pathlib import Path
from typing import Any

import slicer

from MedCLIPSegLib.correct.correct_section import CorrectSection
from MedCLIPSegLib.desk.case_section import CaseSection
from MedCLIPSegLib.export.export_section import ExportSection
from MedCLIPSegLib.imports_ahead import ImportsAhead
from MedCLIPSegLib.input.input_section import InputSection
from MedCLIPSegLib.knowing.known_things import knownOfModel, knownToBegin
from MedCLIPSegLib.knowing.own_words import OwnWords
from MedCLIPSegLib.knowing.prompt_builder import PromptBuilder
from MedCLIPSegLib.knowing.prompt_hint import PromptHint
from MedCLIPSegLib.model.model_section import ModelSection
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.prompts.prompt_entry import PromptEntry, PromptHistory
from MedCLIPSegLib.prompts.prompt_table import PromptTable
from MedCLIPSegLib.prompts.three_d import ThreeD
from MedCLIPSegLib.prompts.verdict_line import VerdictLine
from MedCLIPSegLib.review.contours_section import ContoursSection
from MedCLIPSegLib.review.overlay_section import OverlaySection
from MedCLIPSegLib.review.reviews import Reviews
from MedCLIPSegLib.review.slice_table import SliceTable
from MedCLIPSegLib.review.state_section import StateSection
from MedCLIPSegLib.review.statistics_table import StatisticsTable
from MedCLIPSegLib.review.threshold_section import ThresholdSection
from MedCLIPSegLib.review.uncertainty_note import UncertaintyNote
from MedCLIPSegLib.run.run_section import RunSection
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.setup.dependencies import Dependencies, SetupNotice
from MedCLIPSegLib.widgets import oneShot


class Panel:
    """Makes the sections and lets them show the logic's state, once a turn of the event loop at most.

    Args:
        ui: the panel's named widgets.
        logic: state and work of the module.
        requirementsFile: Python packages the engine needs.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, requirementsFile: Path) -> None:
        settings = slicer.app.settings()
        self._ui = ui
        self._logic = logic
        self._guiTag: Any = None
        self._volumeAdded = False
        self._importsAhead = ImportsAhead(lambda: not logic.isRunning, ended=logic.changed)
        self.model = ModelSection(ui, logic, settings)
        self.correct = CorrectSection(ui, logic)
        self.threshold = ThresholdSection(ui, logic)
        ownWords = OwnWords(ui, logic, settings)
        reviews = Reviews(logic, settings)
        dependencies = Dependencies(requirementsFile)
        self.setup = SetupNotice(ui, logic, dependencies, self.model.useProcessor)
        self._sections: list[Section] = [
            InputSection(ui, logic),
            PromptTable(ui, logic),
            ThreeD(ui, logic),
            VerdictLine(ui, logic),
            knownToBegin(ui, logic),
            PromptEntry(ui, logic, PromptHistory(settings)),
            PromptHint(ui, logic),
            ownWords,
            PromptBuilder(ui, logic),
            RunSection(ui, logic),
            self.threshold,
            self.model,
            knownOfModel(ui, logic),
            CaseSection(ui, logic, reviews, settings),
            OverlaySection(ui, logic),
            ContoursSection(ui, logic),
            UncertaintyNote(ui, logic),
            StatisticsTable(ui, logic, reviews),
            StateSection(ui, logic, reviews),
            SliceTable(ui, logic),
            self.correct,
            ExportSection(ui, logic, settings),
        ]
        logic.device, logic.threads = self.model.device, self.model.threads
        logic.ownWords = ownWords.isAllowed
        logic.ensureDependencies = dependencies.ensure
        logic.confirm = slicer.util.confirmOkCancelDisplay
        logic.saveStateForUndo = self.correct.saveStateForUndo
        logic.failed.connect(self.setup.onFailed)
        self._refreshTimer = oneShot(self.refresh)
        logic.changed.connect(self._refreshSoon)

    def enter(self) -> None:
        """Follow the scene: the panel is shown."""
        self._logic.modelKnowledge.forget()  # models may have come or changed
        self.bind()
        self.setup.check()
        for section in self._sections:
            section.enter()
        self._importsAhead.start()

    def exit(self) -> None:
        """Let the views and shortcuts go: another module is shown. A run goes on."""
        self.threshold.finish()
        for section in self._sections:
            section.exit()
        self._unbindGui()

    def bind(self) -> None:
        """Show the scene's parameter node."""
        self._unbindGui()
        self._guiTag = self._logic.bind().connectGui(self._ui)
        self.refresh()

    def release(self) -> None:
        """Forget the scene's nodes: the scene is being closed."""
        self.threshold.cleanup()
        self._unbindGui()
        self._logic.release()

    def cleanup(self) -> None:
        """End for good: Slicer quits or the module is reloaded."""
        self._logic.changed.disconnect(self._refreshSoon)
        self._refreshTimer.stop()
        self._importsAhead.stop()
        self._unbindGui()
        for section in self._sections:
            section.cleanup()
        self._logic.shutDown()

    def onVolumeAdded(self) -> None:
        """Choose a new image when none is chosen yet, once its reader has finished with it."""
        self._volumeAdded = True
        self._refreshSoon()

    def refresh(self) -> None:
        """Show the state of the logic in every section."""
        if self._volumeAdded:
            self._volumeAdded = False
            self._logic.chooseImage()
        for section in self._sections:
            try:
                section.refresh()
            except Exception:  # one section that fails must not take the others along
                logging.exception("MedCLIPSeg: %s could not be refreshed", type(section).__name__)
        self._showWhatIsThere()

    def _showWhatIsThere(self) -> None:
        """Sections for results are not there before the first result."""
        ui, hasResults = self._ui, self._logic.hasResults
        ui.thresholdCollapsibleButton.visible = hasResults
        for section in (ui.reviewCollapsibleButton, ui.correctCollapsibleButton, ui.exportCollapsibleButton):
            section.visible = hasResults or section.enabled

    def _refreshSoon(self) -> None:
        self._refreshTimer.start()

    def _unbindGui(self) -> None:
        if self._guiTag is not None and self._logic.parameters is not None:
            self._logic.parameters.disconnectGui(self._guiTag)
        self._guiTag = None
