"""A volume segmented in three planes, and their answers fused."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..model.library import LoadedModel
from ..volumes.planes import SliceAxis
from .engine import MonteCarloRun
from .fusing import PlaneSums
from .maps import PromptMaps
from .plane_choice import plan_fusion
from .request import SegmentationRequest
from .result import Event
from .threads import ThreadChoice

Made = TypeVar("Made")


class ThreePlanesRun(MonteCarloRun):
    """Runs plane after plane with the same questions, the chosen plane first, and judges the fused answers.

    The answers are those of three runs; between them there is one plane's maps and the sums over those that are done.
    Where all other planes are stretched, it is the run in the one that is left.
    """

    maps_per_prompt: ClassVar[int] = 4
    working_bytes: ClassVar[int] = 11
    """Without maps: logits of the sums and probability of a plane, its mask, the votes and the fused mask."""

    def __init__(self, model: LoadedModel, request: SegmentationRequest, previews: bool, threads: ThreadChoice) -> None:
        super().__init__(model, request, previews, threads)
        self._fusion = plan_fusion(request.volume, request.plane, request.plane_weights)
        self.notes = (self._fusion.note,) if self._fusion.note else ()
        self.turns = self._fusion.slices
        self.axis = self._fusion.axes[0]
        self.indices = list(range(self.axis.count))
        self.beside = (self.turns - self.axis.count) * len(request.prompts)

    def steps(self) -> Iterator[Event]:
        """As any run, plane by plane."""
        if len(self._fusion.axes) == 1:
            yield from super().steps()
            return
        yield from self.look()
        asked, first = self.asked, self._fusion.axes[0]
        # What a prompt denies is looked for in the first plane alone, as nothing is outlined.
        fused = [number for number in self._texts if self._judge is None or not self._judge.denies(number)]
        self.beside -= (self.turns - first.count) * (len(self.request.prompts) - len(fused))
        total = self.beside + first.count * len(asked)
        sums = {number: PlaneSums(self.request.volume.shape, self.request.maps) for number in fused}
        samples: dict[int, dict[int, int]] = {}
        skipped: list[int] = []
        for axis, weight in zip(self._fusion.axes, self._fusion.weights, strict=True):
            if axis is not first:
                self._turn_to(axis, fused, total)
            for number in fused:
                self.maps[number] = self._maps_of_a_plane(number)
            yield from self.segment_all()
            for number in fused:
                if axis is first:
                    samples[number] = {index: tally.samples for index, tally in self.maps[number].tallies.items()}
                yield from self._steps_of(sums[number].add(self.maps[number], weight))
            skipped = self._skipped if axis is first else skipped
        self._turn_to(first, asked, total)
        self.turns_before, self._skipped = self.turns - first.count, skipped
        for number in fused:
            threshold = self.request.thresholds[number]
            self.maps[number] = yield from self._steps_of(sums.pop(number).finish(first, threshold, samples[number]))
        if self.request.judge:
            yield from self.judge()
        yield self.result()

    def _turn_to(self, axis: SliceAxis, asked: list[int], total: float) -> None:
        """Go on with another plane, without previews, as those are of one plane.

        Args:
            axis: of the plane.
            asked: numbers of the prompts that are segmented in it.
            total: slices of prompts in the whole run, and other work.
        """
        self.turns_before += len(self.indices)
        self.axis, self.indices = axis, list(range(axis.count))
        self.asked, self.beside = asked, total - axis.count * len(asked)
        self._texts = {number: self._texts[number] for number in asked if number in self._texts}
        self.previews = False
        self._skipped = []
        self._encoded, self._looked = {}, None

    def _steps_of(self, steps: Generator[None, None, Made]) -> Generator[Event, None, Made]:
        """The progress of work on maps, and what it makes."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                made: Made = end.value
                return made
            yield self.progress("segmenting", len(self.indices), self.part_count)

    def _maps_of_a_plane(self, number: int) -> PromptMaps:
        """Empty maps; what is fused needs the probability of a plane in a run without maps too."""
        maps = PromptMaps.zeros(self.request.volume.shape, self.request.thresholds[number], self.request.maps)
        if maps.probability is None:
            maps.probability = np.zeros(maps.mask.shape, np.float32)
        return maps

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "three_planes": self._fusion.record()}
