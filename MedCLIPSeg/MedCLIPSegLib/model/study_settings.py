"""Kind of study and prompt design of the methods without training data, in the Model section."""

from collections.abc import Iterable
from typing import Any, cast

from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import (
    ANY_STUDY,
    AS_TYPED,
    NO_KIND,
    capitalized,
    designChoices,
    isZeroShot,
    kindChoices,
    needsKind,
    studyChoices,
)
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, selectEntry
from MedCLIPSegLogic.clip_sam.prompt_sets import Design, load_prompt_sets
from MedCLIPSegLogic.errors import MedCLIPSegError


class StudySettings(Section):
    """What is known of the image: its kind of study, and by which sentences of it the object is looked for."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._sets = load_prompt_sets()
        self._study, self._design, self._kind = (
            ui.zeroShotStudyComboBox,
            ui.zeroShotDesignComboBox,
            ui.zeroShotKindComboBox,
        )
        self._ofDesign, self._ofKind = (ui.zeroShotDesignLabel, self._design), (ui.zeroShotKindLabel, self._kind)
        self._note = ui.zeroShotDesignNoteLabel
        self._offeredFor: str | None = None
        offerEntries(self._study, studyChoices(self._sets))
        for combo in (self._study, self._design, self._kind):
            combo.connect("currentIndexChanged(int)", self._onChoice)

    def refresh(self) -> None:
        """Show the choices of the scene."""
        parameters = self._logic.parameters
        if parameters is None:
            return
        study, design, kind = parameters.zeroShotStudy, parameters.zeroShotDesign, parameters.zeroShotKind
        if study != self._offeredFor:
            self._offeredFor = study
            offerEntries(self._design, designChoices(bool(self._kinds(study))))
            offerEntries(self._kind, kindChoices(self._kinds(study)))
        selectEntry(self._study, study, capitalized(study))
        selectEntry(self._design, design, design)
        selectEntry(self._kind, kind, capitalized(kind))
        for widget in self._ofDesign:
            widget.visible = study != ANY_STUDY or design != AS_TYPED
        for widget in self._ofKind:
            widget.visible = needsKind(design)
        self._note.text = self._noteText(study, design, kind)
        self._note.visible = bool(self._note.text)

    def _kinds(self, study: str) -> Iterable[str]:
        known = self._sets.studies.get(study)
        return known.classes if known is not None else ()

    def _noteText(self, study: str, design: str, kind: str) -> str:
        """What is looked for in place of the prompt."""
        if design == AS_TYPED:
            return ""
        if needsKind(design) and kind == NO_KIND:
            return _("These sentences describe one kind of the object: choose it, or take P0, P2 or P4.")
        try:
            sentences = self._sets.sentences(cast("Design", design), study, kind or None)
        except MedCLIPSegError as error:
            return str(error)
        if len(sentences) == 1:
            return _("The prompt only names the segment; looked for is: {sentence}").format(sentence=sentences[0])
        return _(
            "The prompt only names the segment; looked for is the mean of {count} sentences, the first is: {sentence}"
        ).format(count=len(sentences), sentence=sentences[0])

    def _onChoice(self) -> None:
        parameters = self._logic.parameters
        if parameters is None or not isZeroShot(parameters.model):
            return
        study, design, kind = (combo.currentData or "" for combo in (self._study, self._design, self._kind))
        kinds = self._kinds(study)
        if study == ANY_STUDY or (needsKind(design) and not kinds):
            design = AS_TYPED
        if kind not in kinds:
            kind = NO_KIND
        for name, value in (("zeroShotStudy", study), ("zeroShotDesign", design), ("zeroShotKind", kind)):
            if getattr(parameters, name) != value:
                setattr(parameters, name, value)
