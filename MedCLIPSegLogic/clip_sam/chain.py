"""Zero-shot segmentation as a generator of small steps (no Slicer, no Qt)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.device import MAPS_PER_PROMPT, memory_in_words
from ..inference.result import Event, Progress, Stage, Unit
from ..inference.skeleton import SeenSlice, SliceRun
from ..inference.threads import ThreadChoice, threads_for
from .coarse import CoarseMask, binarize
from .findings import FoundObject, SliceFinding, Status, ZeroShotResult
from .objects import Component, find_components, only_within, point_out
from .rules import ComponentRule, ZeroShotRequest
from .sam import Segmenter

Saliency = Callable[[NDArray[np.uint8], str], Generator[None, None, NDArray[np.float32]]]
"""In small steps, how much each pixel of an image (H, W, 3) speaks for a prompt: (H, W) float32, 0…1."""
UNCERTAINTY = "entropy of the score map; no samples are drawn"
STEP_SHARE = 0.1
"""Part of what is left of a prompt on a slice that one step is taken for: how many there will be is not known."""


def run(
    saliency: Saliency,
    segmenter: Segmenter | None,
    request: ZeroShotRequest,
    record: dict[str, Any] | None = None,
    previews: bool = False,
) -> Generator[Event, None, None]:
    """Segment a volume slice by slice: saliency, coarse mask, objects, boxes or points, masks.

    Yields a :class:`Progress` after every small step and the :class:`ZeroShotResult` at the end; closing the generator
    cancels. The order of the slices does not change the result. Slices without content are skipped: their maps are 0,
    as is SAM's score where nothing is found.

    The score map is the largest of SAM's mask probabilities over the objects or, without SAM, the saliency stretched
    so that the coarse mask lies above 0.5 (the probability of the foreground in the CRF). SAM sees a slice once,
    whatever the number of prompts and objects.

    Args:
        saliency: what the prompt means in an image.
        segmenter: makes masks of boxes and points; None to take the coarse mask.
        request: what to do.
        record: settings of saliency and models, to stand in the result's record.
        previews: also yield a :class:`SlicePreview` of each prompt when a slice is finished.

    Raises:
        MedCLIPSegError: the request does not fit the volume, the segmenter or the machine.
    """
    with memory_in_words(request.volume), threads_for(request.threads) as threads:
        yield from _ZeroShotRun(saliency, segmenter, request, record or {}, previews, threads).steps()


class _ZeroShotRun(SliceRun[ZeroShotRequest]):
    """Looks for the prompts on one slice after the other."""

    unit: ClassVar[Unit] = "prompt"
    maps_per_prompt: ClassVar[int] = MAPS_PER_PROMPT + 1

    def __init__(
        self,
        saliency: Saliency,
        segmenter: Segmenter | None,
        request: ZeroShotRequest,
        record: dict[str, Any],
        previews: bool,
        threads: ThreadChoice,
    ) -> None:
        super().__init__(request, previews, threads)
        self._saliency, self._segmenter, self._given = saliency, segmenter, record
        if segmenter is not None:
            if segmenter.boxes_only and request.pointing.kind != "box":
                raise MedCLIPSegError(
                    f"{segmenter.name} was trained with boxes alone; choose boxes as prompts, or another SAM."
                )
            segmenter.to(self.device)
        self._saliencies = [np.zeros(request.volume.shape, np.float32) for _ in request.prompts if request.maps]
        self._step = 0
        self._findings: list[dict[int, SliceFinding]] = [{} for _ in request.prompts]

    @property
    def part_count(self) -> int:
        return len(self.request.prompts)

    def segment(self, seen: SeenSlice) -> Iterator[Event]:
        pixels, number = seen.pixels, seen.number
        image = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
        embedding = None
        for turn, prompt in enumerate(self.request.prompts):
            self._step = 0
            found = yield from self._follow(self._saliency(image, prompt), "looking", number, turn)
            saliency = np.nan_to_num(found.astype(np.float32), nan=0.0).clip(0, 1)
            if self._saliencies:
                self.axis.insert(self._saliencies[turn], seen.index, saliency)
            coarse = binarize(saliency, image, self.request.binarization)
            objects = find_components(coarse.mask, saliency, self.request.components)
            if objects and self._segmenter is not None and embedding is None:
                embedding = yield from self._follow(self._segmenter.embed(image), "segmenting", number, turn)
            finding, score = self._segment(coarse, objects, embedding, seen.index, turn)
            self._findings[turn][seen.index] = finding
            self.maps[turn].insert_score(self.axis, seen.index, score)
            self.finished += 1
            yield self.progress("segmenting", number, turn + 1)
            if self.previews:
                yield self.preview(turn, seen.index)

    def _follow(
        self, work: Generator[None, None, Any], stage: Stage, number: int, turn: int
    ) -> Generator[Progress, None, Any]:
        """Progress of something's steps, and its result."""
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value
            self._step += 1
            yield self.progress(stage, number, turn + 1, 1 - (1 - STEP_SHARE) ** self._step)

    def _segment(
        self, coarse: CoarseMask, objects: list[Component], embedding: Any, index: int, turn: int
    ) -> tuple[SliceFinding, NDArray[np.float32]]:
        """What became of a prompt on a slice, and its score (H, W)."""
        request, threshold = self.request, self.request.thresholds[turn]
        status: Status = "found" if objects else "nothing found"
        if self._segmenter is None:
            score = only_within(coarse.score, objects, min(threshold, 0.5))
            found = tuple(FoundObject(part.box, (), part.area, part.confidence, None) for part in objects)
            return SliceFinding(index, status, coarse.threshold, found), score
        if not objects:
            return SliceFinding(index, status, coarse.threshold, ()), np.zeros_like(coarse.score)
        seed = (request.seed, index, turn)
        prompts = [point_out(part, request.pointing, (*seed, n)) for n, part in enumerate(objects)]
        masks = self._segmenter.segment(embedding, prompts)
        score = masks.probability.max(axis=0)
        if request.keep_largest:
            kept = find_components(score > threshold, score, ComponentRule(most=len(objects)))
            score = only_within(score, kept, threshold)
        found = tuple(
            FoundObject(prompt.box, tuple(map(tuple, prompt.points.tolist())), part.area, part.confidence, quality)
            for part, prompt, quality in zip(objects, prompts, masks.quality.tolist(), strict=True)
        )
        return SliceFinding(index, status, coarse.threshold, found), score

    def result(self) -> ZeroShotResult:
        findings = tuple(
            tuple(found.get(index) or SliceFinding(index, "no content", None, ()) for index in self.indices)
            for found in self._findings
        )
        return ZeroShotResult(**vars(super().result()), saliency=tuple(self._saliencies), findings=findings)

    def settings(self) -> dict[str, Any]:
        request, segmenter = self.request, self._segmenter
        return {
            **self._given,
            "binarization": request.binarization,
            "components": dataclasses.asdict(request.components),
            "sam": segmenter.name if segmenter else None,
            "sam_hash": segmenter.model_hash if segmenter else None,
            "object_prompts": dataclasses.asdict(request.pointing) if segmenter else None,
            "keep_largest": request.keep_largest and segmenter is not None,
            "probability": "largest mask probability of SAM" if segmenter else "saliency, coarse mask above 0.5",
            "uncertainty": UNCERTAINTY,
        }
