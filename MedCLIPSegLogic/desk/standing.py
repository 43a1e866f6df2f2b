"""Where a segment of a case stands: what the run said of it, and what people say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, get_args

from ..knowledge.verdict import VerdictKind
from .review import Review, ReviewState, overall, review_from

FLAGS: frozenset[VerdictKind] = frozenset({"not-understood", "foreign-image", "doubtful"})
"""Verdicts that ask for a look."""


@dataclass(frozen=True)
class Standing:
    """Of one segment, by its prompt.

    Args:
        mask: fingerprint of its mask as it is now; empty when nobody has looked yet.
        verdict: on the model's answer; None where there is none.
        expected_dice: of the model's mask, 0…1; None where nobody knows.
        reviews: the latest of each person.
    """

    mask: str = ""
    verdict: VerdictKind | None = None
    expected_dice: float | None = None
    reviews: tuple[Review, ...] = ()

    @property
    def latest(self) -> Review | None:
        """What was said last of the present mask, also that a judgment was taken back; None without a word."""
        return max(self._present, key=lambda review: review.time, default=None)

    @property
    def state(self) -> ReviewState:
        """What was said last of the present mask."""
        return self.latest.state if self.latest is not None else "unreviewed"

    @property
    def is_disputed(self) -> bool:
        """True when one person accepts what another rejects."""
        states = {review.state == "rejected" for review in self._present if review.state != "unreviewed"}
        return len(states) > 1

    @property
    def _present(self) -> list[Review]:
        return [review for review in self.reviews if not self.mask or review.mask == self.mask]

    def merged(self, newer: Standing) -> Standing:
        """With what somebody else knows: the facts of ``newer``, and the latest review of each person of both."""
        latest: dict[str, Review] = {}
        for review in (*self.reviews, *newer.reviews):
            known = latest.get(review.reviewer)
            if known is None or review.time >= known.time:
                latest[review.reviewer] = review
        return replace(newer, reviews=tuple(latest[reviewer] for reviewer in sorted(latest)))

    def record(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "mask": self.mask,
            "verdict": self.verdict,
            "expected_dice": self.expected_dice,
            "reviews": [review.record() for review in self.reviews],
        }


def standing_from(data: Any) -> Standing | None:
    """A standing of plain data that anybody may have written; None when it is none, or has a review that is none."""
    if not isinstance(data, dict) or not isinstance(data.get("reviews", []), list):
        return None
    reviews = [review_from(each) for each in data.get("reviews", [])]
    known = tuple(review for review in reviews if review is not None)
    dice: Any = data.get("expected_dice")
    is_number = isinstance(dice, (int, float)) and not isinstance(dice, bool)
    expected = float(dice) if is_number and 0 <= dice <= 1 else None
    mask = data.get("mask", "")
    if len(known) < len(reviews) or not isinstance(mask, str):
        return None
    verdict = next((kind for kind in get_args(VerdictKind) if kind == data.get("verdict")), None)
    return Standing(mask, verdict, expected, known)


def state_of(standings: Iterable[Standing]) -> ReviewState:
    """State of a case."""
    return overall(standing.state for standing in standings)
