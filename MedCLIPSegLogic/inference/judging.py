"""What a run of a trained model is to ask, and what is to be thought of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..knowledge.judging import asked_as, judge_answer, judge_presence, judge_question, nothing_to_look_at
from ..knowledge.sight import ImageSight, seen_together
from ..knowledge.understanding import Understanding, understand
from ..knowledge.verdict import Verdict
from ..model.library import LoadedModel
from ..model.states import ImageState
from ..volumes.planes import SliceAxis
from .agreement import Ask
from .answer_signs import answer_signs
from .image_sight import look
from .maps import PromptMaps
from .preprocess import has_content
from .request import SegmentationRequest

LOOKED_AT = 5
"""Slices of a volume that are looked at, at most."""


class Judge:
    """Judges the prompts of one run: first look at some slices, then ask what may be asked, then judge the answers.

    Args:
        model: with its network on the device of the run.
        request: of the run.
    """

    def __init__(self, model: LoadedModel, request: SegmentationRequest) -> None:
        self._model, self._request = model, request
        self._sights: list[ImageSight] = []
        self._understood: list[Understanding | None] = [None] * len(request.prompts)
        self._held: list[Verdict | None] = [None] * len(request.prompts)
        self._shares: dict[int, dict[int, float]] = {}

    def look(self, pixels: NDArray[np.uint8], encode: Callable[[Tensor], ImageState] | None) -> None:
        """Look at a slice (H, W) or (H, W, 3) with content; ``encode`` as in :func:`image_sight.look`."""
        self._sights.append(look(self._model, pixels, encode))

    @property
    def sight(self) -> ImageSight:
        """Of the image, by all slices that were looked at."""
        return seen_together(self._sights) if self._sights else ImageSight()

    def questions(self) -> dict[int, str]:
        """What the model is asked, by the number of the prompt; held back ones are left out."""
        questions = {}
        sight, knowledge = self.sight, self._model.knowledge
        for number, prompt in enumerate(self._request.prompts):
            asked = understand(prompt, knowledge, sight.kind, self._request.own_words) if knowledge else None
            held = judge_question(sight, asked, knowledge) if self._sights else None
            self._understood[number], self._held[number] = asked, held
            if asked is not None and asked.denies:
                if held is None:
                    self._shares[number] = {}
                    questions[number] = asked.asked
            elif held is None or self._request.show_anyway:
                questions[number] = asked_as(asked) or prompt
        return questions

    def denies(self, number: int) -> bool:
        """The prompt says that something is not there: its presence is asked, and nothing is outlined."""
        asked = self._understood[number]
        return asked is not None and asked.denies

    def note_presence(self, number: int, index: int, share: float) -> None:
        """Keep which share (0…1) of a slice shows what a prompt denies."""
        self._shares[number][index] = share

    def verdict(self, number: int, maps: PromptMaps, axis: SliceAxis, ask: Ask) -> Verdict:
        """The verdict on the answer to a prompt.

        Args:
            number: of the prompt.
            maps: its answer.
            axis: the slicing.
            ask: one more pass.
        """
        held, asked = self._held[number], self._understood[number]
        if held is not None and (held.is_unknown or not self._request.show_anyway or self.denies(number)):
            return held
        if not self._sights:
            return nothing_to_look_at()
        sight, knowledge = self.sight, self._model.knowledge
        if asked is not None and asked.denies:
            return judge_presence(sight, asked, _where(list(self._shares[number].values())))
        signs = answer_signs(maps, axis, asked, knowledge, sight.kind, ask)
        return replace(judge_answer(sight, asked, maps.is_empty, signs, knowledge), signs=signs)


def spread_out(indices: Sequence[int]) -> Iterator[int]:
    """All indices, such that the first ones are spread over the whole range: the middle one, those of the quarters…"""
    parts = [(0, len(indices))]
    while parts:
        first, end = parts.pop(0)
        if first < end:
            middle = (first + end) // 2
            yield indices[middle]
            parts += [(first, middle), (middle + 1, end)]


def slices_to_look_at(run_pixels: Iterator[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The first slices with content, as many as are looked at."""
    found: list[NDArray[np.uint8]] = []
    for pixels in run_pixels:
        if has_content(pixels):
            found.append(pixels)
        if len(found) == LOOKED_AT:
            break
    return found


def _where(shares: Sequence[float]) -> str:
    """Where a thing is seen, in words; empty for nowhere."""
    seen = [share for share in shares if share > 0]
    if not seen:
        return ""
    if len(shares) > 1:
        return f"on {len(seen)} of {len(shares)} slices"
    return f"{100 * seen[0]:.0f} % of the image" if seen[0] >= 0.01 else "less than 1 % of the image"
