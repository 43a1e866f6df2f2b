"""Monte-Carlo segmentation as a generator of small steps (no Slicer, no Qt)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..model.library import LoadedModel
from ..volumes.intensity import default_rule, resolve
from ..volumes.planes import choose_axis
from .content import has_content
from .device import check_result_memory, choose_batch_size, choose_device, memory_in_words
from .maps import PromptMaps
from .pace import Pace
from .passes import Passes, SliceSamples
from .precision import choose_precision, network_for
from .preprocess import PreparedSlice, place, prepare_slice
from .request import SegmentationRequest
from .result import Progress, SegmentationResult, SlicePreview
from .settling import has_settled
from .slice_order import outwards, slice_indices
from .uncertainty import RunningSums
from .versions import versions

Event = Progress | SlicePreview | SegmentationResult


def run(model: LoadedModel, request: SegmentationRequest, previews: bool = False) -> Generator[Event, None, None]:
    """Segment a volume slice by slice.

    Yields a :class:`Progress` after every small step (at most one batch of passes) and the
    :class:`SegmentationResult` at the end; closing the generator cancels. Results depend neither on the order of
    the slices nor on which others are asked for, and on batch size and previews by rounding only (below 1e-5).
    Slices without content (:func:`has_content`) are skipped: their maps are 0.

    Args:
        model: network and tokenizer; the network is moved to the device.
        request: what to do.
        previews: also yield a :class:`SlicePreview` of each prompt when a slice is finished, and for the first slice
            after a pass with the noise at its mean and then again and again as samples arrive.

    Raises:
        MedCLIPSegError: the request does not fit the volume or the machine.
    """
    with memory_in_words(request.volume):
        yield from _Run(model, request, previews).steps()


class _Run:
    """One run; its parts share what was chosen for it."""

    def __init__(self, model: LoadedModel, request: SegmentationRequest, previews: bool) -> None:
        self._started = time.monotonic()
        self._model, self._request, self._previews = model, request, previews
        volume = request.volume
        self._axis = choose_axis(volume, request.plane)
        self._indices = slice_indices(request.slices, self._axis.count)
        self._mapping = resolve(request.intensity or default_rule(volume), volume)
        device = choose_device(request.device)
        self._precision = choose_precision(request.precision, device)
        check_result_memory(volume, len(request.prompts))
        network = model.network.to(device)
        self._device = next(network.parameters()).device
        self._passes = Passes(
            network_for(network, self._precision), self._device, self._precision, request.seed, self._batch_size(device)
        )
        self._maps = [PromptMaps.zeros(volume.shape) for _ in request.prompts]
        self._skipped: list[int] = []
        self._pace = Pace(len(self._indices) * len(request.prompts))

    def _batch_size(self, device: torch.device) -> int:
        request, config = self._request, self._model.config
        if self._precision == "int8":
            return choose_batch_size(config, 1, device)  # rows of one batch would influence each other
        # As many passes as one slice has samples keep a processor busy; a graphics card wants more.
        passes = request.samples * (len(self._indices) if device.type == "cuda" else 1)
        return request.batch_size or choose_batch_size(config, passes, device)

    def steps(self) -> Iterator[Event]:
        """Everything :func:`run` yields."""
        tokenizer, request = self._model.tokenizer, self._request
        texts = [self._passes.encode_text(tokenizer([prompt])) for prompt in request.prompts]
        for number, group in self._groups():
            if not group:
                yield self._progress(number, 0, [])
                continue
            images = self._passes.encode_images([prepared.image for prepared in group])
            for prompt_number, text in enumerate(texts):
                works = [
                    SliceSamples(
                        prepared,
                        self._passes.meet(image, text),
                        RunningSums.zeros(prepared.placement.input_size, self._device),
                    )
                    for prepared, image in zip(group, images, strict=True)
                ]
                yield from self._sample(works, prompt_number)
        yield SegmentationResult(
            volume=request.volume,
            prompts=tuple(
                maps.finish(prompt, threshold, self._axis, self._indices)
                for maps, prompt, threshold in zip(self._maps, request.prompts, request.thresholds, strict=True)
            ),
            slice_axis=self._axis.axis,
            slice_indices=tuple(self._indices),
            mapping=self._mapping,
            settings=self._record(),
            seconds=time.monotonic() - self._started,
        )

    def _groups(self) -> Iterator[tuple[int, list[PreparedSlice]]]:
        """Turns of slices, and as many slices as fill a batch with their first samples; the one in view alone.

        A slice without content has an empty list.
        """
        group: list[PreparedSlice] = []
        for number, index in enumerate(outwards(self._indices, self._request.start_slice), start=1):
            pixels = self._mapping.apply(self._axis.extract(self._request.volume.voxels, index))
            if not has_content(pixels):
                self._skipped.append(index)
                self._pace.finish(len(self._maps))
                yield number, []
                continue
            group.append(self._prepare(pixels, index, number))
            if self._sharpens(group) or len(group) >= self._passes.batch_size // self._counts(False)[0]:
                yield number, group
                group = []
        if group:
            yield group[-1].number, group

    def _prepare(self, pixels: NDArray[np.uint8], index: int, number: int) -> PreparedSlice:
        config = self._model.config
        size = (int(pixels.shape[0]), int(pixels.shape[1]))
        placement = place(size, self._axis.pixel_spacing, config.image.image_size, config.preprocessing)
        return PreparedSlice(index, number, placement, prepare_slice(pixels, placement, config.preprocessing))

    def _sharpens(self, group: list[PreparedSlice]) -> bool:
        """True for the slice in view, which is shown while its samples are drawn."""
        return self._previews and group[0].number == 1

    def _counts(self, sharpens: bool) -> list[int]:
        """Numbers of samples after which a slice is looked at."""
        samples, adaptive = self._request.samples, self._request.adaptive
        if adaptive is not None:
            return adaptive.counts(samples)
        return [*(2**n for n in range(1, samples.bit_length()) if 2**n < samples), samples] if sharpens else [samples]

    def _sample(self, works: list[SliceSamples], prompt_number: int) -> Iterator[Event]:
        """Draw the samples of one prompt on some slices and write its maps."""
        maps, axis = self._maps[prompt_number], self._axis
        sharpens = self._sharpens([work.slice for work in works])
        if sharpens:
            maps.insert_probability(axis, works[0].slice, self._passes.preview(works[0]))
            yield self._preview(works[0], prompt_number)
        for count in self._counts(sharpens):
            for batch in self._passes.draw(works, count):
                reached = [work for work in batch if work.sums.count == count]
                finished = [work for work in reached if self._is_finished(work, prompt_number)]
                for work in finished:
                    maps.insert(axis, work.slice, work.sums)
                self._pace.finish(len(finished))
                works = [work for work in works if work not in finished]
                yield self._progress(batch[-1].slice.number, batch[-1].sums.count, works)
                for work in reached if sharpens else finished:
                    if work not in finished:
                        maps.insert_probability(axis, work.slice, work.sums.mean()[0])
                    if self._previews:
                        yield self._preview(work, prompt_number)

    def _is_finished(self, work: SliceSamples, prompt_number: int) -> bool:
        samples, adaptive = self._request.samples, self._request.adaptive
        if work.sums.count == samples:
            return True
        threshold = self._request.thresholds[prompt_number]
        return adaptive is not None and has_settled(adaptive, work.sums, threshold, samples)

    def _progress(self, number: int, drawn: int, unfinished: list[SliceSamples]) -> Progress:
        samples = self._request.samples
        share, seconds_left = self._pace.look(sum(work.sums.count for work in unfinished) / samples)
        slices = len(self._indices)
        return Progress("Segmenting", number, slices, drawn, samples, share, seconds_left, str(self._device))

    def _preview(self, work: SliceSamples, prompt_number: int) -> SlicePreview:
        shown = self._maps[prompt_number].shown(self._axis, work.slice.index)
        return SlicePreview(prompt_number, self._axis.axis, work.slice.index, work.sums.count, shown)

    def _record(self) -> dict[str, Any]:
        """Every setting of the run, ready for JSON."""
        request = self._request
        thresholds = request.thresholds
        return {
            "model": self._model.name,
            "model_hash": self._model.model_hash,
            "prompts": list(request.prompts),
            "samples": request.samples,
            "adaptive": dataclasses.asdict(request.adaptive) if request.adaptive else None,
            "threshold": thresholds[0] if len(set(thresholds)) == 1 else list(thresholds),
            "seed": request.seed,
            "plane": self._axis.name,
            "slices": list(request.slices) if request.slices else [0, self._axis.count],
            "skipped_slices": sorted(self._skipped),
            "intensity": self._mapping.record(),
            "device": str(self._device),
            "precision": self._precision,
            "versions": versions(),
        }
