"""What a person thinks of a segment: accepted or rejected, by whom, when and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

ReviewState = Literal["unreviewed", "accepted", "accepted-after-edit", "rejected"]
STATES: tuple[ReviewState, ...] = get_args(ReviewState)


@dataclass(frozen=True)
class Review:
    """One person's judgment of one mask.

    Args:
        state: "unreviewed" when the person took an earlier judgment back.
        reviewer: name of the person.
        time: UTC in ISO format with microseconds, so that times sort as texts do.
        note: free text.
        mask: fingerprint of the mask that was judged; the judgment says nothing of another one.
    """

    state: ReviewState
    reviewer: str
    time: str
    note: str = ""
    mask: str = ""

    def record(self) -> dict[str, str]:
        """As plain data, for JSON."""
        return asdict(self)


def review_from(data: Any) -> Review | None:
    """A review of plain data that anybody may have written; None when it is none."""
    if not isinstance(data, dict):
        return None
    texts = {name: data.get(name, "") for name in ("reviewer", "time", "note", "mask")}
    state = next((state for state in STATES if state == data.get("state")), None)
    if state is None or not all(isinstance(text, str) for text in texts.values()) or not _is_time(texts["time"]):
        return None
    return Review(state, **texts)


def now() -> str:
    """The present as reviews tell it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def overall(states: Iterable[ReviewState]) -> ReviewState:
    """State of a case by those of its segments: rejected when one is, accepted when all are."""
    found = set(states)
    if "rejected" in found:
        return "rejected"
    if not found or "unreviewed" in found:
        return "unreviewed"
    return "accepted-after-edit" if "accepted-after-edit" in found else "accepted"


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except ValueError:
        return False
