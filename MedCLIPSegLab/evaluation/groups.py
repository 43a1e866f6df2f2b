"""Scores that are told together: those of one data set and prompt style."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from MedCLIPSegLogic.model.library import LoadedModel

from ..data.prompt_sheets import PromptSheet
from .pixels import PixelStatistics
from .scoring import Score, score_rows
from .summary import summarize

EXAMPLES = ("best", "median", "worst")


@dataclass(frozen=True, eq=False)
class ScoredGroup:
    """Results of a sheet.

    Args:
        sheet: which prompts on which images.
        scores: one a row, in the order of the sheet.
        pixels: of all rows together.
    """

    sheet: PromptSheet
    scores: tuple[Score, ...]
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


def score_group(
    model: LoadedModel,
    sheet: PromptSheet,
    samples: int,
    tolerance: float,
    limit: int | None,
    progress: Callable[[Score], None],
) -> ScoredGroup:
    """Score every row of a sheet.

    Args:
        model: to evaluate.
        sheet: prompts, images and masks.
        samples: Monte-Carlo passes.
        tolerance: of the NSD, in mm, or in pixels for pictures without pixel size.
        limit: first rows only; None for all.
        progress: called with the score of each row.

    Raises:
        MedCLIPSegError: a file is missing or unreadable, or a mask does not fit its image.
    """
    return collect_group(sheet, score_rows(model, sheet, sheet.rows(limit), samples, tolerance), progress)


def collect_group(
    sheet: PromptSheet, found: Iterable[tuple[Score, PixelStatistics]], progress: Callable[[Score], None]
) -> ScoredGroup:
    """Scores of a sheet, row by row, as a group.

    Args:
        sheet: of the rows, of which there is at least one.
        found: score and pixels of each row.
        progress: called with every score.
    """
    scores: list[Score] = []
    pixels = PixelStatistics()
    for score, statistics in found:
        scores.append(score)
        pixels = pixels + statistics
        progress(score)
    return ScoredGroup(sheet, tuple(scores), pixels)


def all_pixels(groups: list[ScoredGroup]) -> PixelStatistics:
    """Statistics of all groups together."""
    return reduce(add, (group.pixels for group in groups))
