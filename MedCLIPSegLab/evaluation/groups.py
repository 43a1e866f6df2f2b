"""Scores that are told together: those of one data set and prompt style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from MedCLIPSegLogic.datasets.sheets import SheetRow

from ..data.prompt_sheets import PromptSheet
from .pixels import PixelStatistics
from .scoring import Score
from .summary import summarize

EXAMPLES = ("best", "median", "worst")


@dataclass(frozen=True, eq=False)
class ScoredGroup:
    """Results of a sheet.

    Args:
        sheet: which prompts on which images.
        rows: of the sheet, at least one.
        scores: one per row.
        pixels: of all rows together.
    """

    sheet: PromptSheet
    rows: Sequence[SheetRow]
    scores: Sequence[Score]
    pixels: PixelStatistics

    @property
    def label(self) -> str:
        """Set and style in words."""
        return f"{self.sheet.set}, {self.sheet.style}" if self.sheet.style else self.sheet.set

    def summary(self) -> dict[str, Any]:
        """Set, style, and what :func:`summarize` says of its scores."""
        return {"set": self.sheet.set, "style": self.sheet.style, **summarize(self.scores, self.pixels)}

    def examples(self) -> dict[str, int]:
        """Numbers of the rows with the best, the median and the worst Dice, each row once."""
        order = sorted(range(len(self.scores)), key=lambda number: -self.scores[number].dice)
        chosen: dict[str, int] = {}
        for name, place in zip(EXAMPLES, (0, len(order) // 2, len(order) - 1), strict=True):
            if order[place] not in chosen.values():
                chosen[name] = order[place]
        return chosen
