"""What people think of the segments in the scene: read from them, and given to them."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from slicer.i18n import tr as _

from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLib.signal import Signal

if TYPE_CHECKING:
    from MedCLIPSegLogic.desk.review import Review, ReviewState

REVIEWER_KEY = "MedCLIPSeg/Reviewer"
Judgment = Literal["accepted", "rejected", "unreviewed"]


class Reviews:
    """Reviews of the segments of the chosen image.

    ``given()`` is called when a person has judged.

    Args:
        logic: knows the segments.
        settings: of the application; remember the name of the reviewer.
    """

    def __init__(self, logic: MedCLIPSegLogic, settings: Any) -> None:
        self.given: Signal[[]] = Signal()
        self._logic, self._settings = logic, settings
        self._known: dict[str, tuple[tuple[Any, ...], Review | None]] = {}

    @property
    def reviewer(self) -> str:
        """Name of the person at the screen; that of the account until somebody types one."""
        name = str(self._settings.value(REVIEWER_KEY) or "").strip()
        if not name:
            with suppress(OSError, KeyError, ImportError):  # an account without a name
                name = getpass.getuser()
        return name or _("unknown")

    @reviewer.setter
    def reviewer(self, name: str) -> None:
        self._settings.setValue(REVIEWER_KEY, name.strip())

    def of(self, segmentId: str | None) -> Review | None:
        """The judgment of a segment as it is now; None without one. Quick when nothing changed since the last call."""
        node, volumeNode = self._logic.segmentationNode, self._logic.volumeNode
        if segmentId is None or node is None or volumeNode is None:
            return None
        segment = node.GetSegmentation().GetSegment(segmentId)
        labelmap = node.GetBinaryLabelmapInternalRepresentation(segmentId)
        if segment is None or labelmap is None:
            return None
        from MedCLIPSegLogic.scene.segment_review import review_of
        from MedCLIPSegLogic.scene.tags import segment_record

        record = segment_record(segment)
        version = (node.GetID(), labelmap.GetMTime(), segment.GetLabelValue(), record.get("ReviewTime"))
        known = self._known.get(segmentId)
        if known is None or known[0] != version:
            said = review_of(node, segmentId, volumeNode)
            judgment = said if said is not None and said.state != "unreviewed" else None
            known = self._known[segmentId] = (version, judgment)
        return known[1]

    def give(self, segmentIds: Sequence[str], judgment: Judgment, note: str, name: str) -> None:
        """Judge segments as they are now; what a person changed is accepted after an edit.

        Args:
            segmentIds: of the chosen image.
            judgment: "unreviewed" takes an earlier one back.
            note: of the person.
            name: what they are, for a line that says what was done.
        """
        from MedCLIPSegLogic.desk.review import Review, now
        from MedCLIPSegLogic.scene.segment_review import mask_fingerprint, write_review
        from MedCLIPSegLogic.scene.segmentation import was_edited

        node, volumeNode = self._logic.segmentationNode, self._logic.volumeNode
        if node is None or volumeNode is None or not segmentIds:
            self._logic.said(_("Segment something first; there is nothing to review."))
            return
        with self._logic.sayingErrors():
            for segmentId in segmentIds:
                isCorrected = judgment == "accepted" and was_edited(node, segmentId, volumeNode)
                state: ReviewState = "accepted-after-edit" if isCorrected else judgment
                mask = mask_fingerprint(node, segmentId, volumeNode)
                review = Review(state, self.reviewer, now(), note.strip(), mask)
                write_review(node, segmentId, review)
            self._logic.said(_("{name}: {review}").format(name=name, review=reviewText(review)))
            self.given()  # who keeps it may have to say that it cannot be kept
        self._logic.changed()

    def ofCase(self) -> list[str]:
        """IDs of all segments that a run wrote for the chosen image."""
        node = self._logic.segmentationNode
        if node is None:
            return []
        from MedCLIPSegLogic.scene.segmentation import run_segments

        return [segmentId for segmentId, _segment, _record in run_segments(node)]


def reviewWords() -> dict[ReviewState, tuple[str, str]]:
    """Word for tables and words for a sentence, of every state."""
    return {
        "unreviewed": (_("open"), _("not reviewed")),
        "accepted": (_("accepted"), _("accepted")),
        "accepted-after-edit": (_("corrected"), _("accepted after edit")),
        "rejected": (_("rejected"), _("rejected")),
    }


def reviewText(review: Review | None) -> str:
    """A review in a sentence."""
    if review is None:
        return _("Not reviewed.")
    words = reviewWords()[review.state][1] if review.state != "unreviewed" else _("taken back")
    sentence = _("{state} by {reviewer}, {time}.").format(
        state=words[:1].upper() + words[1:], reviewer=review.reviewer, time=_localTime(review.time)
    )
    return f"{sentence} {review.note}".strip()


def _localTime(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
