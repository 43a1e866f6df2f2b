"""A volume segmented in three planes, and their answers fused."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import numpy as np

from ..volumes.planes import SliceAxis
from .device import MAPS_PER_PROMPT, check_result_memory
from .fusing import PlaneSums
from .maps import PromptMaps
from .plane_choice import plan_fusion
from .request import SegmentationRequest
from .result import Event
from .skeleton import SliceRun
from .threads import ThreadChoice

Made = TypeVar("Made")
BYTES_WITHOUT_MAPS = 11
"""Of a voxel and prompt: the sum of logits, a plane's probability and mask, the planes' masks and the fused one."""


class ThreePlanesRun(SliceRun[SegmentationRequest]):
    """A run in one plane, or in all that are fused, one after the other, the chosen one first.

    What is asked and what is to be thought of the answers is as in one plane: the image is looked at once, and the
    fused answers are judged. They are those of three runs; between two planes there are only sums over those that are
    done. Where slices in all other planes would be stripes, it is a run in the one that is left.
    """

    def __init__(self, request: SegmentationRequest, previews: bool, threads: ThreadChoice) -> None:
        super().__init__(request, previews, threads)
        self._fusion = (
            plan_fusion(request.volume, request.plane, request.plane_weights) if request.three_planes else None
        )
        if self._fusion is None:
            return
        kept = MAPS_PER_PROMPT + 1 if request.maps else 0
        check_result_memory(request.volume, len(request.prompts), kept, BYTES_WITHOUT_MAPS)
        self.notes = (self._fusion.note,) if self._fusion.note else ()
        self.axis = self._fusion.axes[0]
        self.indices = list(range(self.axis.count))
        self.turns = self._fusion.slices
        self.beside = (self.turns - self.axis.count) * len(request.prompts)

    @abstractmethod
    def outlined(self) -> list[int]:
        """Numbers of the prompts that are outlined, once the image was looked at."""

    def turn_to(self, axis: SliceAxis, asked: list[int]) -> None:
        """Go on with another plane.

        Args:
            axis: of the plane.
            asked: numbers of the prompts that are segmented in it.
        """
        total = len(self.indices) * len(self.asked) + self.beside
        self.turns_before += len(self.indices)
        self.axis, self.indices, self.asked = axis, list(range(axis.count)), asked
        self.beside = total - axis.count * len(asked)

    def steps(self) -> Iterator[Event]:
        """As any run, plane by plane."""
        if self._fusion is None or len(self._fusion.axes) == 1:
            yield from super().steps()
            return
        yield from self.look()
        asked, fused, first = self.asked, self.outlined(), self._fusion.axes[0]
        self.beside -= (self.turns - first.count) * (len(self.request.prompts) - len(fused))
        sums = {number: PlaneSums(self.request.volume.shape, self.request.maps) for number in fused}
        samples: dict[int, dict[int, int]] = {}
        skipped: list[int] = []
        for axis, weight in zip(self._fusion.axes, self._fusion.weights, strict=True):
            if axis is not first:
                self.turn_to(axis, fused)
                self.previews, self._skipped = False, []
            for number in fused:
                self.maps[number] = self._maps_of_a_plane(number)
            yield from self.segment_all()
            for number in fused:
                if axis is first:
                    samples[number] = {index: tally.samples for index, tally in self.maps[number].tallies.items()}
                yield from self._steps_of(sums[number].add(self.maps[number], weight))
            skipped = self._skipped if axis is first else skipped
        self.turn_to(first, asked)
        self.turns_before, self._skipped = self.turns - first.count, skipped
        for number in fused:
            threshold = self.request.thresholds[number]
            self.maps[number] = yield from self._steps_of(sums.pop(number).finish(first, threshold, samples[number]))
        yield from self.conclude()

    def settings_of_planes(self) -> dict[str, Any]:
        return {"three_planes": self._fusion.record()} if self._fusion else {}

    def _maps_of_a_plane(self, number: int) -> PromptMaps:
        """Empty maps; what is fused needs the probability of a plane in a run without maps too."""
        maps = PromptMaps.zeros(self.request.volume.shape, self.request.thresholds[number], self.request.maps)
        if maps.probability is None:
            maps.probability = np.zeros(maps.mask.shape, np.float32)
        return maps

    def _steps_of(self, steps: Generator[None, None, Made]) -> Generator[Event, None, Made]:
        """The progress of work on maps, and what it makes."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                made: Made = end.value
                return made
            yield self.progress("segmenting", len(self.indices), self.part_count)
