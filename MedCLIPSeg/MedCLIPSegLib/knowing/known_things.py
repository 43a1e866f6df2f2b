"""The list of what the model knows: each thing on each kind of image is one click from a prompt."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.sample_data import SampleCase, loadSample, sampleCases
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import setHeaders, shortcut

if TYPE_CHECKING:
    from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing

WORDS, SAMPLE = range(2)
ICON_SIDE = 36


class KnownThings(Section):
    """Things by kind of image with their Dice, a thumbnail, and a sample image where one comes with the extension.

    Args:
        ui: the panel's named widgets.
        logic: state and work of the module.
        section: the section of the panel the list lies in.
        label: above the list.
        table: shows the list.
        titled: what the label says of a model's knowledge.
        isWanted: asked whether to show the list.
    """

    def __init__(
        self,
        ui: Any,
        logic: MedCLIPSegLogic,
        section: Any,
        label: Any,
        table: Any,
        titled: Callable[[Knowledge | None], str],
        isWanted: Callable[[], bool],
    ) -> None:
        super().__init__(ui, logic)
        self._section, self._label, self._table = section, label, table
        self._titled, self._isWanted = titled, isWanted
        self._shown: Knowledge | None = None
        self._listed: list[tuple[str, str]] = []
        self._samples = sampleCases()
        setHeaders(table, ["", ""])
        table.setWordWrap(False)
        table.horizontalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(WORDS, qt.QHeaderView.Stretch)
        table.horizontalHeader().setSectionResizeMode(SAMPLE, qt.QHeaderView.ResizeToContents)
        table.connect("cellClicked(int,int)", self._onCellClicked)
        self._keys = [shortcut(key, table, self._onEnter) for key in ("Return", "Enter")]
        for key in self._keys:
            key.setContext(qt.Qt.WidgetShortcut)  # not on a button of the table
        section.connect("contentsCollapsed(bool)", self.refresh)

    def refresh(self) -> None:
        """Show what the chosen model knows."""
        if self._section.collapsed or self._logic.parameters is None:
            return
        knowledge, isWanted = self._logic.knowledge, self._isWanted()
        self._label.text = self._titled(knowledge)
        self._label.visible = isWanted and bool(self._label.text)
        self._table.visible = isWanted and knowledge is not None
        if knowledge is not None and knowledge is not self._shown:
            self._fill(knowledge)

    def _fill(self, knowledge: Knowledge) -> None:
        self._shown = knowledge
        # What it was trained on and does not find is not listed.
        self._listed = [(kind, name) for kind in knowledge.kinds for name in knowledge.things_of(kind)]
        self._table.setRowCount(0)
        self._table.setRowCount(len(self._listed))
        for row, (kind, name) in enumerate(self._listed):
            self._showThing(row, kind, name, knowledge.kinds[kind])
        self._table.resizeRowsToContents()

    def _showThing(self, row: int, kind: str, name: str, known: KnownKind) -> None:
        thing = known.things[name]
        item = qt.QTableWidgetItem(f"{_named(name, thing)}\n{kind}")
        item.setToolTip(_toolTip(kind, name, thing))
        names = (name, *thing.understood)
        sample = next((sample for sample in self._samples if sample.shows(kind, names)), None)
        item.setIcon(_picture(known.thumbnail, sample))
        self._table.setItem(row, WORDS, item)
        if sample is not None:
            button = qt.QToolButton()
            button.text = _("Sample")
            button.toolTip = _("Load the sample image “{title}” with a prompt").format(title=sample.title)
            button.connect("clicked()", lambda sample=sample: self._onSample(sample, kind))
            self._table.setCellWidget(row, SAMPLE, button)

    def _onCellClicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._listed):
            self._offer(self._listed[row][1], self._listed[row][0])

    def _onEnter(self) -> None:
        self._onCellClicked(self._table.currentRow(), WORDS)

    def _onSample(self, sample: SampleCase, kind: str) -> None:
        if self._logic.parameters is None or self._logic.isRunning:
            return
        self._logic.parameters.inputVolume = loadSample(sample)
        self._logic.parameters.plane = sample.plane
        self._offer(sample.prompt, kind)

    def _offer(self, prompt: str, kind: str) -> None:
        """Put a prompt into the line; Enter asks it."""
        self._logic.chosenKind = kind
        self._ui.promptsCollapsibleButton.collapsed = False
        self._ui.promptLineEdit.text = prompt
        self._ui.promptLineEdit.setFocus()


def knownToBegin(ui: Any, logic: MedCLIPSegLogic) -> KnownThings:
    """The list in place of the table of prompts while that is empty."""

    def titled(knowledge: Knowledge | None) -> str:
        return _("What it finds (Dice); click to ask:") if knowledge is not None else ""

    return KnownThings(
        ui,
        logic,
        ui.promptsCollapsibleButton,
        ui.knownThingsLabel,
        ui.knownThingsTable,
        titled,
        lambda: len(logic.rows) == 0 and not ui.buildPromptButton.checked,
    )


def knownOfModel(ui: Any, logic: MedCLIPSegLogic) -> KnownThings:
    """The list in the Model section, or one sentence where nothing is known of a model."""

    def titled(knowledge: Knowledge | None) -> str:
        model = logic.parameters.model if logic.parameters is not None else ""
        if knowledge is not None:
            return _("What it finds (Dice on validation images):")
        if not logic.modelKnowledge.isKnown(model) or isZeroShot(model):
            return ""
        return logic.modelKnowledge.problem(model) or _(
            "Nobody recorded what it knows, so it can't tell an unknown word from a thing that is not there."
        )

    return KnownThings(
        ui,
        logic,
        ui.modelCollapsibleButton,
        ui.modelKnowledgeLabel,
        ui.modelKnowledgeTable,
        titled,
        lambda: True,
    )


def _named(name: str, thing: KnownThing) -> str:
    if thing.dice is None:
        return name
    return _("{thing} ({dice})").format(thing=name, dice=f"{thing.dice:.2f}")


def _toolTip(kind: str, name: str, thing: KnownThing) -> str:
    lines = [_("{thing} on {kind}").format(thing=name, kind=kind)]
    lines.append(_("{count} training images").format(count=thing.images))
    if thing.dice is not None:
        lines.append(_("Mean Dice on validation images: {dice}").format(dice=f"{thing.dice:.2f}"))
    return "\n".join(lines)


def _picture(thumbnail: str, sample: SampleCase | None) -> Any:
    """The middle of a thumbnail in Base64, else of a sample's; without either empty, so that all texts are in line."""
    pixmap = qt.QPixmap()
    if thumbnail:
        with contextlib.suppress(ValueError):  # models come from anywhere
            pixmap.loadFromData(base64.b64decode(thumbnail))
    elif sample is not None:
        pixmap.load(str(sample.thumbnail))
    if pixmap.isNull():
        pixmap = qt.QPixmap(ICON_SIDE, ICON_SIDE)
        pixmap.fill(qt.QColor(0, 0, 0, 0))
    side = min(pixmap.width(), pixmap.height())
    return qt.QIcon(pixmap.copy((pixmap.width() - side) // 2, (pixmap.height() - side) // 2, side, side))
