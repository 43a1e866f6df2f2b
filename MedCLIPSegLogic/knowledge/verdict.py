"""What a run says of an answer, beside mask and maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

VerdictKind = Literal["found", "absent", "not-understood", "foreign-image", "doubtful"]
Doubt = Literal[
    "islands",
    "border",
    "size",
    "place",
    "neighbors",
    "agreement",
    "expected-dice",
    "threshold",
    "planes",
    "words",
    "denied",
    "image",
    "no-knowledge",
    "no-content",
]
"""Why an answer is doubtful."""


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of the answer to one prompt.

    Args:
        kind: "found"; "absent": the thing is known on this kind of image, and its absence is credible;
            "not-understood": a word is not known here; "foreign-image": the image is of a kind the model does not
            know; "doubtful": there is an answer, or none, and a reason not to trust it.
        text: one sentence for a radiologist, with the way on.
        suggestions: prompts that may be asked instead, the best first.
        doubts: why the answer is doubtful.
        asked_as: the words the model was asked in, where they are not the prompt's own; else empty.
        expected_dice: Dice to be expected of the mask, 0…1; None where nobody knows.
        signs: of the answer, by name; empty where nothing was segmented.
    """

    kind: VerdictKind
    text: str
    suggestions: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    asked_as: str = ""
    expected_dice: float | None = None
    signs: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_unknown(self) -> bool:
        """True where mask and uncertainty mean nothing: they are held back unless a person asks for them anyway."""
        return self.kind in ("not-understood", "foreign-image")

    def record(self) -> dict[str, Any]:
        """What ``run.json`` holds of it."""
        return {
            "verdict": self.kind,
            "verdict_text": self.text,
            "suggestions": list(self.suggestions),
            "doubts": list(self.doubts),
            "asked_as": self.asked_as or None,
            "expected_dice": self.expected_dice,
            "signs": dict(self.signs),
        }
