"""Accept and Reject, in the Review section."""

from functools import partial
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.review.reviews import Judgment, Reviews, reviewText
from MedCLIPSegLib.section import Section
from MedCLIPSegLib.widgets import removeShortcut, shortcut, silenced

KEYS: tuple[tuple[str, Judgment, bool], ...] = (
    ("A", "accepted", False),
    ("X", "rejected", False),
    ("Shift+A", "accepted", True),
    ("Shift+X", "rejected", True),
)
"""Key, what it says, and whether of all segments of the image."""


class StateSection(Section):
    """Judges the selected segment, or with Shift all segments of the image; the same again takes it back.

    A note that is typed belongs to the judgment that is there, else to the next one.
    """

    def __init__(self, ui: Any, logic: MedCLIPSegLogic, reviews: Reviews) -> None:
        super().__init__(ui, logic)
        self._reviews = reviews
        self._section, self._label = ui.reviewCollapsibleButton, ui.reviewStateLabel
        self._accept, self._reject = ui.acceptButton, ui.rejectButton
        self._note, self._reviewer = ui.reviewNoteLineEdit, ui.reviewerLineEdit
        self._shown: tuple[str | None, str] = (None, "")
        self._keys: list[Any] = []
        self._reviewer.text = reviews.reviewer
        self._accept.connect("clicked()", lambda: self._judge("accepted", ofCase=False))
        self._reject.connect("clicked()", lambda: self._judge("rejected", ofCase=False))
        self._note.connect("editingFinished()", self._onNote)
        self._reviewer.connect("editingFinished()", self._onReviewer)
        self._section.connect("contentsCollapsed(bool)", self.refresh)

    def enter(self) -> None:
        """Listen to the keys."""
        self._removeKeys()
        parent = slicer.util.mainWindow() or self._section.parent()
        for key, judgment, ofCase in KEYS:
            self._keys.append(shortcut(key, parent, partial(self._judge, judgment, ofCase)))

    def exit(self) -> None:
        """Let the keys go."""
        self._removeKeys()

    def cleanup(self) -> None:
        """Let go of everything: the panel goes away."""
        self._removeKeys()

    def refresh(self) -> None:
        """Show the review of the selected segment."""
        if self._logic.isWriting:
            return
        segmentId = self._logic.segmentOf(self._logic.currentRow)
        review = self._reviews.of(segmentId) if not self._section.collapsed else None
        for button, isPressed, words in (
            (self._accept, review is not None and review.state != "rejected", (_("Accept (A)"), _("Accepted (A)"))),
            (self._reject, review is not None and review.state == "rejected", (_("Reject (X)"), _("Rejected (X)"))),
        ):
            button.text = words[isPressed]
            button.enabled = segmentId is not None
            with silenced(button):
                button.checked = isPressed
        self._note.enabled = segmentId is not None
        self._label.text = reviewText(review) if segmentId is not None else _("Select a prompt with a result.")
        shown = segmentId, review.note if review is not None else ""
        if shown != self._shown:
            self._shown = shown
            self._note.text = shown[1]

    def _judge(self, judgment: Judgment, ofCase: bool) -> None:
        row, segmentId = self._logic.currentRow, self._logic.segmentOf(self._logic.currentRow)
        if self._logic.isWriting:
            self._logic.said(_("A run is still under way; wait for its end or cancel it."))
        elif ofCase:
            self._give(self._reviews.ofCase(), judgment, _("All segments"))
        elif row is None or segmentId is None:
            self._logic.said(_("Select a prompt with a result."))
        else:
            self._give([segmentId], judgment, row.label)
        self.refresh()  # a button that was clicked shows what became of it

    def _give(self, segmentIds: list[str], judgment: Judgment, name: str) -> None:
        isBack = bool(segmentIds) and all(self._says(judgment, segmentId) for segmentId in segmentIds)
        self._reviews.give(segmentIds, "unreviewed" if isBack else judgment, self._note.text, name)

    def _says(self, judgment: Judgment, segmentId: str) -> bool:
        review = self._reviews.of(segmentId)
        return review is not None and (review.state == "rejected") == (judgment == "rejected")

    def _onNote(self) -> None:
        row, segmentId = self._logic.currentRow, self._logic.segmentOf(self._logic.currentRow)
        review = self._reviews.of(segmentId)
        if row is None or segmentId is None or review is None or self._note.text.strip() == review.note:
            return
        self._reviews.give(
            [segmentId], "rejected" if review.state == "rejected" else "accepted", self._note.text, row.label
        )

    def _onReviewer(self) -> None:
        self._reviews.reviewer = self._reviewer.text
        self._reviewer.text = self._reviews.reviewer

    def _removeKeys(self) -> None:
        for key in self._keys:
            removeShortcut(key)
        self._keys = []
