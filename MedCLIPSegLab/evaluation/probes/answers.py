"""What came of single questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from scipy.stats import mannwhitneyu


@dataclass(frozen=True)
class Answer:
    """What came of one prompt.

    Args:
        set: data set or folder.
        probe: what was probed.
        image, prompt: what was asked.
        right: 1 or 0 for a probe with a right answer; None for others.
        dice: with what the prompt means; for "absent" of the network 1 or 0; None where nothing is compared.
        verdict: of a judged run, or whether the image is a "known-image" or a "foreign-image"; empty for the network
            itself.
        foreign: how sure a judged run is that the image is foreign, 0…1; None where it cannot tell.
        expected_dice: that a judged run tells, 0…1; None where it cannot.
        truth: which mask of the image is compared with, where it has several.
    """

    set: str
    probe: str
    image: str
    prompt: str
    right: int | None
    dice: float | None
    verdict: str = ""
    foreign: float | None = None
    expected_dice: float | None = None
    truth: str = ""


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Chance that one of the positive scores is above one of the negative ones; None when there are none of either."""
    if not (positive and negative):
        return None
    return float(mannwhitneyu(positive, negative).statistic) / (len(positive) * len(negative))


def right_share(answers: Sequence[Answer]) -> dict[str, Any]:
    """Number and share of right answers, over all and set by set; the share is None without answers."""
    by_set: dict[str, list[Answer]] = {}
    for answer in answers:
        by_set.setdefault(answer.set, []).append(answer)
    return _share(answers) | {"sets": {name: _share(given) for name, given in by_set.items()}}


def _share(answers: Sequence[Answer]) -> dict[str, Any]:
    decided = [answer.right for answer in answers if answer.right is not None]
    return {"count": len(decided), "right": fmean(decided) if decided else None}
