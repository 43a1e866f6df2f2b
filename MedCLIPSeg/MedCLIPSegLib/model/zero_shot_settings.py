"""The settings of the methods without training data, in the Model section."""

from collections.abc import Iterable
from typing import Any, cast

from slicer.i18n import tr as _

from MedCLIPSegLib.model import zero_shot_choices as choices
from MedCLIPSegLib.model.zero_shot_choices import (
    ANY_STUDY,
    AS_TYPED,
    AUTOMATIC,
    METHODS,
    NO_KIND,
    NO_SAM,
    capitalized,
    isZeroShot,
    needsKind,
)
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, selectEntry
from MedCLIPSegLogic.clip_sam.prompt_sets import Design, load_prompt_sets
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import describe_model


class ZeroShotSettings(Section):
    """Shown in place of the settings of Monte-Carlo samples when a method without training data is chosen; numbers are
    bound to the parameter node. What is rarely changed lies under details.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._widget, self._note = ui.zeroShotWidget, ui.zeroShotNoteLabel
        self._ofSamples = (ui.sampleCountLabel, ui.sampleCountSpinBox, ui.adaptiveCheckBox)
        self._details, self._study = ui.zeroShotDetailsButton, StudySettings(ui, logic)
        self._ofSam = (ui.zeroShotPromptsLabel, ui.zeroShotPromptsComboBox)
        self._ofPadding = (ui.zeroShotPaddingLabel, ui.zeroShotPaddingSpinBox)
        self._ofPoints = (ui.zeroShotPointsLabel, ui.zeroShotPointsSpinBox)
        self._choices = (
            (ui.zeroShotTowersComboBox, "zeroShotTowers", choices.towersChoices),
            (ui.zeroShotSamComboBox, "zeroShotSam", choices.samChoices),
            (ui.zeroShotPromptsComboBox, "zeroShotPrompts", choices.promptChoices),
            (ui.zeroShotBinarizationComboBox, "zeroShotBinarization", choices.binarizationChoices),
        )
        self._firstSam = ""
        self._hasSam = False
        for combo, _name, _offered in self._choices:
            combo.connect("currentIndexChanged(int)", self._onChoice)
        self._details.connect("contentsCollapsed(bool)", self._onCollapsed)
        self.look()

    def look(self) -> None:
        """Look again at the disk: models come and go."""
        for combo, _name, offered in self._choices:
            offerEntries(combo, offered())
        names = [key for key, _words in choices.samChoices() if key not in (AUTOMATIC, NO_SAM)]
        self._firstSam = next(iter(names), "")
        self._hasSam = any(describe_model(name).on_disk for name in names)

    def refresh(self) -> None:
        """Show the choices of the scene."""
        parameters = self._logic.parameters
        isShown = parameters is not None and isZeroShot(parameters.model)
        self._widget.visible = isShown
        for widget in self._ofSamples:
            widget.visible = not isShown
        if parameters is None or not isShown:
            return
        self._widget.enabled = not self._logic.isRunning
        for combo, name, _offered in self._choices:
            key = getattr(parameters, name)
            selectEntry(combo, key, describe_model(key).title)
        self._study.refresh()
        if not self._details.collapsed:
            self._refreshDetails(parameters)
        notes = (self._samText(parameters.zeroShotSam), self._towersText(parameters.zeroShotTowers))
        self._note.text = "\n".join(filter(None, notes))
        self._note.visible = bool(self._note.text)

    def _refreshDetails(self, parameters: MedCLIPSegParameterNode) -> None:
        """Hide what has no effect."""
        usesSam = parameters.zeroShotSam != NO_SAM and (parameters.zeroShotSam != AUTOMATIC or self._hasSam)
        hasPoints = usesSam and parameters.zeroShotPrompts in ("points", "both")
        for widgets, isShown in ((self._ofSam, usesSam), (self._ofPadding, usesSam), (self._ofPoints, hasPoints)):
            for widget in widgets:
                widget.visible = isShown

    def missing(self) -> str:
        """Name of a model that a run needs and that is not on this computer; empty when all are."""
        parameters = self._logic.parameters
        if parameters is None:
            return ""
        sam = parameters.zeroShotSam
        wanted = (parameters.zeroShotTowers, self._firstSam if sam == AUTOMATIC and not self._hasSam else sam)
        return next((name for name in wanted if _isMissing(name)), "")

    def _samText(self, sam: str) -> str:
        if sam == AUTOMATIC and not self._hasSam:
            return _(
                "No SAM is on this computer: press “Download model…” for {title}, choose another one from the list, or "
                "“None: the coarse mask”."
            ).format(title=describe_model(self._firstSam).title)
        if sam == NO_SAM:
            return _("The result is the coarse mask, not refined by SAM.")
        return _missingText(sam)

    def _towersText(self, towers: str) -> str:
        """Say that the bundled model only stands in: on real images its saliency misses nearly everything."""
        if _isMissing(towers):
            return _missingText(towers)
        published = describe_model(choices.PUBLISHED_TOWERS)
        if towers != choices.BUNDLED_TOWERS and (towers != AUTOMATIC or published.on_disk):
            return ""
        if published.on_disk:
            return _("mini is no CLIP and rarely finds the right place; better choose {title}.").format(
                title=published.title
            )
        return _(
            "mini stands in for a CLIP and rarely finds the right place. Choose {title} as CLIP and press “Download "
            "model…”."
        ).format(title=published.title)

    def _onCollapsed(self, isCollapsed: bool) -> None:
        if not isCollapsed:  # which shows again what was hidden meanwhile
            self.refresh()

    def _onChoice(self) -> None:
        parameters = self._logic.parameters
        if parameters is None or not isZeroShot(parameters.model):
            return
        for combo, name, _offered in self._choices:
            if combo.currentIndex >= 0 and getattr(parameters, name) != combo.currentData:
                setattr(parameters, name, combo.currentData)


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
        offerEntries(self._study, choices.studyChoices(self._sets))
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
            offerEntries(self._design, choices.designChoices(bool(self._kinds(study))))
            offerEntries(self._kind, choices.kindChoices(self._kinds(study)))
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


def _isMissing(name: str) -> bool:
    return name not in (AUTOMATIC, NO_SAM) and not describe_model(name).on_disk


def _missingText(name: str) -> str:
    if not _isMissing(name):
        return ""
    return _("{title} is not on this computer: press Download model…, or choose another one.").format(
        title=describe_model(name).title
    )


def methodText(name: str) -> str:
    """What a method does, for people."""
    return _(
        "{method} needs no model trained for the task: it marks where image and prompt agree and refines that with "
        "SAM. Uncertainty is the entropy of the score map; no samples are drawn."
    ).format(method=METHODS[name])
