"""What all runs have in common: one volume, slice by slice, in small steps."""

from __future__ import annotations

import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ..knowledge.judging import judge_answer, nothing_to_look_at
from ..knowledge.known import Knowledge
from ..knowledge.sight import ImageSight
from ..knowledge.verdict import Verdict
from ..version import __version__
from ..volumes.intensity import default_rule, resolve
from ..volumes.planes import choose_axis, outwards, slice_indices
from .device import MAPS_PER_PROMPT, check_result_memory, choose_device
from .maps import PromptMaps
from .preprocess import has_content
from .request import RunRequest
from .result import Event, Progress, SegmentationResult, SlicePreview, Stage, Unit
from .threads import ThreadChoice

Request = TypeVar("Request", bound=RunRequest)


@dataclass(frozen=True, eq=False)
class SeenSlice:
    """A slice whose turn it is.

    Args:
        index: along the slice axis.
        number: of its turn, counted from 1.
        pixels: (H, W) grey or (H, W, 3) color, as the model sees them.
    """

    index: int
    number: int
    pixels: NDArray[np.uint8]


class SliceRun(ABC, Generic[Request]):
    """A run; what is done with a slice is up to the subclass, which also writes the maps.

    Args:
        request: what to do.
        previews: also show what is known of a slice; not in a run without maps.
        threads: it computes with, chosen anew as other programs come and go.

    Raises:
        MedCLIPSegError: the request does not fit the volume or the machine.
    """

    unit: ClassVar[Unit]
    maps_per_prompt: ClassVar[int] = MAPS_PER_PROMPT

    def __init__(self, request: Request, previews: bool, threads: ThreadChoice) -> None:
        self._started = time.monotonic()
        self._threads = threads
        self.request, self.previews = request, previews and request.maps
        volume = request.volume
        self.axis = choose_axis(volume, request.plane)
        self.indices = slice_indices(request.slices, self.axis.count)
        self._mapping = resolve(request.intensity or default_rule(volume), volume)
        self.device = choose_device(request.device)
        check_result_memory(volume, len(request.prompts), self.maps_per_prompt if request.maps else 0)
        self.maps = [PromptMaps.zeros(volume.shape, threshold, request.maps) for threshold in request.thresholds]
        self.asked = list(range(len(request.prompts)))
        """Numbers of the prompts that are segmented, or asked some other way."""
        self.finished = 0.0  # slices of prompts
        self.beside = 0.0  # other work, in the same measure
        self.turns, self.turns_before = len(self.indices), 0
        """Slices of the whole run, and those of other planes that had their turn."""
        self.notes: tuple[str, ...] = ()
        self.verdicts: list[Verdict | None] = [None] * len(request.prompts)
        self.knowledge: Knowledge | None = None
        self._skipped: list[int] = []

    def look(self) -> Iterator[Event]:
        """Look at the image in small steps, before anything is asked."""
        yield from ()

    @abstractmethod
    def segment(self, seen: SeenSlice) -> Iterator[Event]:
        """Segment a slice in small steps, or keep it for later ones to share their work."""

    def segment_rest(self) -> Iterator[Event]:
        """Segment what was kept."""
        yield from ()

    def hold_together(self) -> Iterator[Event]:
        """Change the maps in small steps by what neighboring slices say, once all slices are done."""
        yield from ()

    def judge(self) -> Iterator[Event]:
        """Set the verdicts in small steps; here without knowing anything of image and model."""
        flat = len(self._skipped) == len(self.indices)
        for number, maps in enumerate(self.maps):
            verdict = judge_answer(ImageSight(), None, maps.is_empty, {}, None)
            self.verdicts[number] = nothing_to_look_at() if flat else verdict
        yield from ()

    def keep_islands(self) -> Iterator[Event]:
        """Remove in small steps the islands of the masks that are not to be kept."""
        yield from ()

    @property
    @abstractmethod
    def part_count(self) -> int:
        """Parts of a slice, see :class:`Progress`."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Settings of this kind of run, ready for JSON."""

    def settings_of_planes(self) -> dict[str, Any]:
        """Settings of a run in several planes, ready for JSON."""
        return {}

    def steps(self) -> Iterator[Event]:
        """Everything the run yields; slices without content are skipped, their maps are 0."""
        yield from self.look()
        yield from self.segment_all()
        yield from self.conclude()

    def conclude(self) -> Iterator[Event]:
        """Judge the answers in small steps, remove what is not to be kept, and yield the result."""
        if self.request.judge:
            yield from self.judge()
        yield from self.keep_islands()
        yield self.result()

    def segment_all(self) -> Iterator[Event]:
        """Segment the slices of a plane in small steps."""
        turns = outwards(self.indices, self.request.start_slice) if self.asked else []
        for number, index in enumerate(turns, start=1):
            pixels = self.pixels(index)
            if has_content(pixels):
                yield from self.segment(SeenSlice(index, number, pixels))
                continue
            self._skipped.append(index)
            self.finished += len(self.asked)
            yield self.progress("segmenting", number, 0)
        yield from self.segment_rest()
        yield from self.hold_together()

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """A slice (H, W) or (H, W, 3) as the model sees it."""
        return self._mapping.apply(self.axis.extract(self.request.volume.voxels, index))

    def progress(
        self, stage: Stage, number: int, part_number: int, under_way: float = 0.0, slices: int | None = None
    ) -> Progress:
        """The present step, after which the number of threads may change.

        Args:
            stage: of the work.
            number: of the slice's turn.
            part_number: of the part of the slice.
            under_way: what is done of prompts on slices that are not finished, in such.
            slices: that have a turn; None for all of the run.
        """
        self._threads.adjust()
        count = len(self.indices)
        share = (self.finished + under_way) / (count * len(self.asked) + self.beside)
        left = (time.monotonic() - self._started) * (1 / share - 1)
        turn, turns = (self.turns_before + number, self.turns) if slices is None else (number, slices)
        return Progress(stage, turn, turns, self.unit, part_number, self.part_count, share, left, str(self.device))

    def preview(self, prompt_number: int, index: int, samples: int = 0) -> SlicePreview:
        """What is known of a prompt on a slice so far."""
        shown = self.maps[prompt_number].shown(self.axis, index)
        return SlicePreview(prompt_number, self.axis.axis, index, samples, shown)

    def result(self) -> SegmentationResult:
        """What the run produced."""
        request, draws = self.request, self.unit == "sample"
        return SegmentationResult(
            volume=request.volume,
            prompts=tuple(
                maps.finish(prompt, self.indices if draws else [], verdict, self.knowledge)
                for maps, prompt, verdict in zip(self.maps, request.prompts, self.verdicts, strict=True)
            ),
            slice_axis=self.axis.axis,
            slice_indices=tuple(self.indices),
            mapping=self._mapping,
            settings={**self.settings(), **self._common_settings()},
            seconds=time.monotonic() - self._started,
            notes=self.notes,
        )

    def _common_settings(self) -> dict[str, Any]:
        request, thresholds = self.request, self.request.thresholds
        return {
            "prompts": list(request.prompts),
            "threshold": thresholds[0] if len(set(thresholds)) == 1 else list(thresholds),
            "seed": request.seed,
            "plane": self.axis.name,
            "plane_chosen_by": request.plane_chosen_by,
            "slices": list(request.slices) if request.slices else [0, self.axis.count],
            "skipped_slices": sorted(self._skipped),
            "intensity": self._mapping.record(),
            "device": str(self.device),
            "threads": self._threads.record(),
            **self.settings_of_planes(),
            "versions": {
                "medclipseg": __version__,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        }
