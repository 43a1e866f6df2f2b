"""Zero-shot segmentation as a generator of small steps (no Slicer, no Qt)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..inference.content import has_content
from ..inference.device import MAPS_PER_PROMPT, check_result_memory, choose_device, memory_in_words
from ..inference.maps import PromptMaps
from ..inference.pace import Pace
from ..inference.result import Progress, SlicePreview
from ..inference.slice_order import outwards, slice_indices
from ..inference.versions import versions
from ..volumes.intensity import default_rule, resolve
from ..volumes.planes import choose_axis
from .coarse import CoarseMask, binarize
from .components import Component, ComponentRule, find_components, only_within
from .object_prompts import ObjectPrompt, point_out
from .request import ZeroShotRequest
from .result import FoundObject, SliceFinding, Status, ZeroShotResult
from .sam import Segmenter

Saliency = Callable[[NDArray[np.uint8], str], Generator[None, None, NDArray[np.float32]]]
"""In small steps, how much each pixel of an image (H, W, 3) speaks for a prompt: (H, W) float32, 0…1."""
Event = Progress | SlicePreview | ZeroShotResult
UNCERTAINTY = "entropy of the score map; no samples are drawn"
STEP_SHARE = 0.1
"""Part of what is left of a prompt on a slice that one step is taken for: how many there will be is not known."""


def in_one_step(saliency: Callable[[NDArray[np.uint8], str], NDArray[np.float32]]) -> Saliency:
    """A function that makes a map at once, as the engine takes it."""

    def steps(image: NDArray[np.uint8], prompt: str) -> Generator[None, None, NDArray[np.float32]]:
        result = saliency(image, prompt)
        yield
        return result

    return steps


def run(
    saliency: Saliency,
    segmenter: Segmenter | None,
    request: ZeroShotRequest,
    record: dict[str, Any] | None = None,
    previews: bool = False,
) -> Generator[Event, None, None]:
    """Segment a volume slice by slice: saliency, coarse mask, objects, boxes or points, masks.

    Yields a :class:`Progress` after every small step, in which the sample number is that of the prompt, and the
    :class:`ZeroShotResult` at the end; closing the generator cancels. The order of the slices does not change the
    result. Slices without content are skipped: their maps are 0, as is SAM's score where nothing is found.

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
    with memory_in_words(request.volume):
        yield from _Run(saliency, segmenter, request, record or {}, previews).steps()


class _Run:
    """One run; its parts share what was chosen for it."""

    def __init__(
        self,
        saliency: Saliency,
        segmenter: Segmenter | None,
        request: ZeroShotRequest,
        record: dict[str, Any],
        previews: bool,
    ) -> None:
        self._started = time.monotonic()
        self._saliency, self._segmenter, self._request = saliency, segmenter, request
        self._given, self._previews = record, previews
        if segmenter is not None and segmenter.boxes_only and request.pointing.kind != "box":
            raise MedCLIPSegError(
                f"{segmenter.name} was trained with boxes alone; choose boxes as prompts, or another SAM."
            )
        volume = request.volume
        self._axis = choose_axis(volume, request.plane)
        self._indices = slice_indices(request.slices, self._axis.count)
        self._mapping = resolve(request.intensity or default_rule(volume), volume)
        self._device = choose_device(request.device)
        check_result_memory(volume, len(request.prompts), MAPS_PER_PROMPT + 1)
        if segmenter is not None:
            segmenter.to(self._device)
        self._maps = [PromptMaps.zeros(volume.shape) for _ in request.prompts]
        self._saliencies = [np.zeros(volume.shape, np.float32) for _ in request.prompts]
        self._findings: list[dict[int, SliceFinding]] = [{} for _ in request.prompts]
        self._skipped: list[int] = []
        self._pace = Pace(len(self._indices) * len(request.prompts))
        self._step = 0

    def steps(self) -> Iterator[Event]:
        """Everything :func:`run` yields."""
        request = self._request
        for number, index in enumerate(outwards(self._indices, request.start_slice), start=1):
            pixels = self._mapping.apply(self._axis.extract(request.volume.voxels, index))
            if has_content(pixels):
                yield from self._slice(pixels, index, number)
                continue
            self._skipped.append(index)
            for findings in self._findings:
                findings[index] = SliceFinding(index, "no content", None, ())
            self._finish(len(request.prompts))
            yield self._progress("Segmenting", number, 0)
        yield ZeroShotResult(
            volume=request.volume,
            prompts=tuple(
                dataclasses.replace(maps.finish(prompt, threshold, self._axis, self._indices), samples_drawn=())
                for maps, prompt, threshold in zip(self._maps, request.prompts, request.thresholds, strict=True)
            ),
            slice_axis=self._axis.axis,
            slice_indices=tuple(self._indices),
            mapping=self._mapping,
            settings=self._record(),
            seconds=time.monotonic() - self._started,
            saliency=tuple(self._saliencies),
            findings=tuple(tuple(findings[index] for index in self._indices) for findings in self._findings),
        )

    def _slice(self, pixels: NDArray[np.uint8], index: int, number: int) -> Iterator[Progress | SlicePreview]:
        """All prompts on one slice."""
        image = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
        embedding = None
        for turn, prompt in enumerate(self._request.prompts):
            found = yield from self._follow(self._saliency(image, prompt), "Looking", number, turn)
            saliency = _checked(found, image)
            self._axis.insert(self._saliencies[turn], index, saliency)
            coarse = binarize(saliency, image, self._request.binarization)
            objects = find_components(coarse.mask, saliency, self._request.components)
            if objects and self._segmenter is not None and embedding is None:
                embedding = yield from self._follow(self._segmenter.embed(image), "Segmenting", number, turn)
            finding, score = self._segment(coarse, objects, embedding, index, turn)
            self._findings[turn][index] = finding
            self._maps[turn].insert_score(self._axis, index, score)
            self._finish(1)
            yield self._progress("Segmenting", number, turn + 1)
            if self._previews:
                shown = self._maps[turn].shown(self._axis, index)
                yield SlicePreview(turn, self._axis.axis, index, 0, shown)

    def _follow(
        self, steps: Generator[None, None, Any], stage: str, number: int, turn: int
    ) -> Generator[Progress, None, Any]:
        """Progress of something's steps, and its result."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            self._step += 1
            yield self._progress(stage, number, turn + 1)

    def _segment(
        self, coarse: CoarseMask, objects: list[Component], embedding: Any, index: int, turn: int
    ) -> tuple[SliceFinding, NDArray[np.float32]]:
        """What became of a prompt on a slice, and its score (H, W)."""
        request, threshold = self._request, self._request.thresholds[turn]
        status: Status = "found" if objects else "nothing found"
        if self._segmenter is None:
            score = only_within(coarse.score, objects, min(threshold, 0.5))
            found = tuple(FoundObject(_box(part), (), part.area, part.confidence, None) for part in objects)
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
            FoundObject(prompt.box, _pairs(prompt), part.area, part.confidence, float(quality))
            for part, prompt, quality in zip(objects, prompts, masks.quality, strict=True)
        )
        return SliceFinding(index, status, coarse.threshold, found), score

    def _finish(self, count: int) -> None:
        """Note that some prompts are finished on a slice."""
        self._pace.finish(count)
        self._step = 0

    def _progress(self, stage: str, number: int, prompt_number: int) -> Progress:
        share, seconds_left = self._pace.look(1 - (1 - STEP_SHARE) ** self._step)
        slices, prompts = len(self._indices), len(self._request.prompts)
        return Progress(stage, number, slices, prompt_number, prompts, share, seconds_left, str(self._device))

    def _record(self) -> dict[str, Any]:
        """Every setting of the run, ready for JSON."""
        request, segmenter = self._request, self._segmenter
        thresholds = request.thresholds
        return {
            **self._given,
            "prompts": list(request.prompts),
            "binarization": request.binarization,
            "components": dataclasses.asdict(request.components),
            "sam": segmenter.name if segmenter else None,
            "sam_hash": segmenter.model_hash if segmenter else None,
            "object_prompts": dataclasses.asdict(request.pointing) if segmenter else None,
            "keep_largest": request.keep_largest and segmenter is not None,
            "threshold": thresholds[0] if len(set(thresholds)) == 1 else list(thresholds),
            "probability": "largest mask probability of SAM" if segmenter else "saliency, coarse mask above 0.5",
            "uncertainty": UNCERTAINTY,
            "seed": request.seed,
            "plane": self._axis.name,
            "slices": list(request.slices) if request.slices else [0, self._axis.count],
            "skipped_slices": sorted(self._skipped),
            "intensity": self._mapping.record(),
            "device": str(self._device),
            "versions": versions(),
        }


def _checked(saliency: NDArray[np.float32], image: NDArray[np.uint8]) -> NDArray[np.float32]:
    if saliency.shape != image.shape[:2]:
        raise ValueError(f"saliency of shape {saliency.shape} for an image of shape {image.shape}")
    return np.nan_to_num(saliency.astype(np.float32), nan=0.0).clip(0, 1)


def _box(part: Component) -> tuple[float, float, float, float]:
    left, top, right, bottom = part.box
    return float(left), float(top), float(right), float(bottom)


def _pairs(prompt: ObjectPrompt) -> tuple[tuple[float, float], ...]:
    return tuple((float(column), float(row)) for column, row in prompt.points)
