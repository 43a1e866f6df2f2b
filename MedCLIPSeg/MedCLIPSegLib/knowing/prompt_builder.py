"""The prompt builder below the prompt line: choices that the model knows, worded as it was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from MedCLIPSegLib.knowing.place_in_view import PlaceInView, Points
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import offerEntries, shortcut, silenced
from MedCLIPSegLogic.errors import MedCLIPSegError

if TYPE_CHECKING:
    from MedCLIPSegLogic.knowledge.known import Knowledge

ANY = ""
PARTS = ("Count", "Size", "Color", "Shape", "Place")
"""Parts that may be left out: their widgets are named so, and in small letters their fields."""


class PromptBuilder(Section):
    """Each choice writes the sentence into the prompt line anew; Enter asks it."""

    def __init__(self, ui: Any, logic: MedCLIPSegLogic) -> None:
        super().__init__(ui, logic)
        self._button, self._frame = ui.buildPromptButton, ui.promptBuilderFrame
        self._kind, self._thing = ui.builderKindComboBox, ui.builderThingComboBox
        self._parts = {name: getattr(ui, f"builder{name}ComboBox") for name in PARTS}
        self._labels = {name: getattr(ui, f"builder{name}Label") for name in PARTS}
        self._placeButtons = {1: ui.placePointButton, 2: ui.placeBoxButton}
        self._offered: tuple[Any, str] | None = None
        self._place = PlaceInView(self._onPlaced)
        self._button.connect("toggled(bool)", self._onToggled)
        self._kind.connect("currentIndexChanged(int)", self._onKind)
        for combo in (self._thing, *self._parts.values()):
            combo.connect("currentIndexChanged(int)", self._write)
        for count, button in self._placeButtons.items():
            button.connect("clicked()", lambda count=count: self._onPlaceButton(count))
        self._keys = [shortcut(key, self._frame, self._ask) for key in ("Return", "Enter")]
        for key in self._keys:
            key.setContext(qt.Qt.WidgetWithChildrenShortcut)
        ui.promptsCollapsibleButton.connect("contentsCollapsed(bool)", self.refresh)

    def refresh(self) -> None:
        """Offer what the chosen model knows; there is no builder for models that do not say."""
        if self._ui.promptsCollapsibleButton.collapsed:
            return
        knowledge = self._logic.knowledge
        self._button.visible = knowledge is not None
        self._frame.visible = knowledge is not None and bool(self._button.checked)
        if knowledge is None or not self._button.checked:
            self._place.stop()
            return
        kind = self._logic.imageKind or ANY
        if self._offered is None or self._offered[0] is not knowledge:
            offerEntries(self._kind, [(ANY, _("any")), *((name, name) for name in knowledge.kinds)])
            self._offered = None
        if self._offered != (knowledge, kind):
            self._offered = (knowledge, kind)
            self._chooseKind(knowledge, kind)
        for button in self._placeButtons.values():
            button.enabled = self._logic.sliceAxis is not None

    def exit(self) -> None:
        """Ask for no click any more: another module is shown."""
        self._place.stop()

    def cleanup(self) -> None:
        """The panel goes away."""
        self._place.stop()

    def _onToggled(self, isOpen: bool) -> None:
        self._logic.changed()
        self.refresh()
        if isOpen:
            (self._thing if self._kind.currentData else self._kind).setFocus()
            if not self._ui.promptLineEdit.text.strip():
                self._write()

    def _chooseKind(self, knowledge: Knowledge, kind: str) -> None:
        """Offer the parts known on a kind of image; what was chosen stays where it is known there."""
        from MedCLIPSegLogic.knowledge.prompt_parts import choices_of

        with silenced(self._kind):
            self._kind.currentIndex = max(0, self._kind.findData(kind))
        choices = choices_of(knowledge, kind or None)
        _offer(self._thing, choices.thing, isOptional=False)
        for name in PARTS:
            values = getattr(choices, name.lower())
            _offer(self._parts[name], values, isOptional=True)
            self._parts[name].visible = self._labels[name].visible = bool(values)
        for button in self._placeButtons.values():
            button.visible = bool(choices.place)

    def _onKind(self) -> None:
        self._logic.chosenKind = self._kind.currentData or ANY
        if self._logic.knowledge is not None:
            self._chooseKind(self._logic.knowledge, self._logic.chosenKind)
            self._write()

    def _write(self) -> None:
        """Put the sentence into the prompt line."""
        from MedCLIPSegLogic.knowledge.prompt_parts import PromptParts
        from MedCLIPSegLogic.knowledge.prompt_sentence import sentence

        if self._logic.knowledge is None or not self._thing.currentData:
            return
        chosen = {name.lower(): combo.currentData or ANY for name, combo in self._parts.items()}
        with self._logic.sayingErrors():
            parts = PromptParts(self._thing.currentData, **chosen)
            self._ui.promptLineEdit.text = sentence(parts, self._logic.knowledge, self._kind.currentData or None)
            self._ui.promptLineEdit.cursorPosition = 0  # long ones are to be read from their beginning

    def _ask(self) -> None:
        self._place.stop()
        self._ui.promptLineEdit.returnPressed()

    def _onPlaceButton(self, count: int) -> None:
        wasWaiting = not self._placeButtons[count].checked
        self._place.stop()
        if wasWaiting:
            return
        self._placeButtons[count].checked = True
        if count == 1:
            self._logic.said(_("Click the place in a slice view."))
        else:
            self._logic.said(_("Click two opposite corners of the place in a slice view."))
        self._place.start(count)

    def _onPlaced(self, points: Points) -> None:
        """Choose the known place nearest to what was clicked."""
        from MedCLIPSegLogic.knowledge.places import place_of_box

        for button in self._placeButtons.values():
            button.checked = False
        self._logic.said("")
        axis, volumeNode = self._logic.sliceAxis, self._logic.volumeNode
        if not points or axis is None or volumeNode is None:
            return
        from MedCLIPSegLogic.scene.slice_share import slice_share

        shares = [slice_share(volumeNode, axis, point) for point in (points[0], points[-1])]
        try:
            self._choosePlace(place_of_box(*shares[0], *shares[1]))
        except MedCLIPSegError as error:
            self._logic.said(str(error))

    def _choosePlace(self, place: str) -> None:
        combo = self._parts["Place"]
        known = next((name for name in (place, *place.split()) if combo.findData(name) >= 0), None)
        if known is None:
            raise MedCLIPSegError(_("The model knows no word for the place “{place}”.").format(place=place))
        combo.currentIndex = combo.findData(known)
        combo.setFocus()


def _offer(combo: Any, values: tuple[str, ...], isOptional: bool) -> None:
    """Offer other values; the present one stays chosen where it is among them."""
    before = combo.currentData
    offerEntries(combo, [*([(ANY, _("not said"))] if isOptional else []), *((value, value) for value in values)])
    with silenced(combo):
        combo.currentIndex = max(0, combo.findData(before)) if values else -1
