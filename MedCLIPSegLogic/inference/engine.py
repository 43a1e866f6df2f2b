"""Monte-Carlo segmentation with a trained model, as a generator of small steps (no Slicer, no Qt)."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..knowledge.judging import nothing_kept
from ..model.library import LoadedModel
from ..model.states import ImageState, TextState
from ..volumes.planes import SliceAxis
from .device import choose_batch_size, choose_precision, memory_in_words, network_for
from .islands import ALL, rules_record
from .judging import Judge, slices_to_look_at, spread_out
from .passes import Passes, SliceSamples
from .preprocess import PreparedSlice, input_side, place, prepare_slice
from .request import SegmentationRequest
from .result import Event, Unit
from .skeleton import SeenSlice
from .smoothing import smooth
from .threads import ThreadChoice, threads_for
from .three_planes import ThreePlanesRun
from .uncertainty import RunningSums, has_settled

MOST_ENCODED = 16
"""Slices that are kept encoded for more passes, and those of the last group, which are there anyway."""


def run(model: LoadedModel, request: SegmentationRequest, previews: bool = False) -> Generator[Event, None, None]:
    """Segment a volume slice by slice.

    Yields a :class:`Progress` after every small step (at most one batch of passes) and the
    :class:`SegmentationResult` at the end; closing the generator cancels. Results depend neither on the order of the
    slices nor, unless they are smoothed, on which others are asked for, and on batch size and previews by rounding only
    (below 1e-5). Slices without content (:func:`has_content`) are skipped: their maps are 0.

    Args:
        model: network and tokenizer; the network is moved to the device.
        request: what to do.
        previews: also yield a :class:`SlicePreview` of each prompt when a slice is finished, and for the first slice
            after a pass with the noise at its mean and then again and again as samples arrive. Not in a run without
            maps.

    Raises:
        MedCLIPSegError: the request does not fit the volume or the machine.
    """
    with memory_in_words(request.volume), threads_for(request.threads) as threads:
        yield from _MonteCarloRun(model, request, previews, threads).steps()


class _MonteCarloRun(ThreePlanesRun):
    """Draws samples of the prompts on as many slices together as fill a batch."""

    unit: ClassVar[Unit] = "sample"

    def __init__(self, model: LoadedModel, request: SegmentationRequest, previews: bool, threads: ThreadChoice) -> None:
        super().__init__(request, previews, threads)
        self._model, self.knowledge = model, model.knowledge
        self._precision = choose_precision(request.precision, self.device)
        network = model.network.to(self.device)
        self.device = next(network.parameters()).device
        self._passes = Passes(
            network_for(network, self._precision),
            self.device,
            self._precision,
            request.seed,
            self._batch_size(),
            request.noise,
        )
        self._smoothing = request.smoothing if len(self.indices) > 1 else 0.0
        if self._measures_samples:
            for maps in self.maps:
                maps.sample_volumes = np.zeros(request.samples)
        self._judge = Judge(model, request) if request.judge else None
        self._texts: dict[int, TextState] = {}
        self._looked: tuple[Tensor, ImageState] | None = None
        self._group: list[PreparedSlice] = []
        self._encoded: dict[tuple[int, float], tuple[PreparedSlice, ImageState]] = {}

    def _batch_size(self) -> int:
        request, config = self.request, self._model.config
        if self._precision == "int8":
            return choose_batch_size(config, 1, self.device)  # rows of one batch would influence each other
        # As many passes as one slice has samples keep a processor busy; a graphics card wants more.
        passes = request.samples * (len(self.indices) if self.device.type == "cuda" else 1)
        return request.batch_size or choose_batch_size(config, passes, self.device)

    @property
    def part_count(self) -> int:
        return self.request.samples

    @property
    def _measures_samples(self) -> bool:
        """Whether each sample is a segment of the whole volume, of a size that can be told."""
        request, volume = self.request, self.request.volume
        is_whole = request.noise == "volume" and request.adaptive is None and not request.three_planes
        return is_whole and volume.spacing_known and not volume.is_single_slice

    def look(self) -> Iterator[Event]:
        questions = dict(enumerate(self.request.prompts))
        if self._judge is not None:
            shown = slices_to_look_at(self.pixels(index) for index in spread_out(self.indices))
            cost = 1 / self.request.samples
            self.beside += len(shown) * cost
            for number, pixels in enumerate(shown, start=1):
                # The only slice need not be encoded again for its samples.
                once = len(self.indices) == 1 and self._precision == "float32"
                self._judge.look(pixels, self._encode_once if once else None)
                self.finished += cost
                yield self.progress("looking", number, 0, slices=len(shown))
            questions = self._judge.questions()
            self.asked = list(questions)
            for number, maps in enumerate(self.maps):
                if number not in questions or self._judge.denies(number):
                    self.maps[number] = maps.masks_alone()
        self._texts = {number: self._text(words) for number, words in questions.items()}

    def outlined(self) -> list[int]:
        judge = self._judge
        return [number for number in self._texts if judge is None or not judge.denies(number)]

    def turn_to(self, axis: SliceAxis, asked: list[int]) -> None:
        super().turn_to(axis, asked)
        self._texts = {number: text for number, text in self._texts.items() if number in asked}
        self._encoded, self._looked = {}, None

    def _encode_once(self, image: Tensor) -> ImageState:
        [state] = self._passes.encode_images([image])
        self._looked = image, state
        return state

    def _text(self, words: str) -> TextState:
        return self._passes.encode_text(self._model.tokenizer([words]))

    def segment(self, seen: SeenSlice) -> Iterator[Event]:
        self._group.append(self._prepare(seen))
        if self._sharpens or len(self._group) >= self._passes.batch_size // self._counts[0]:
            yield from self.segment_rest()

    def _prepare(self, seen: SeenSlice, scale: float = 1.0) -> PreparedSlice:
        config, (height, width) = self._model.config, seen.pixels.shape[:2]
        side = input_side(config.image, scale)
        placement = place((height, width), self.axis.pixel_spacing, side, config.preprocessing)
        return PreparedSlice(
            seen.index, seen.number, placement, prepare_slice(seen.pixels, placement, config.preprocessing)
        )

    def segment_rest(self) -> Iterator[Event]:
        if not self._group:
            return
        if self._looked is not None and torch.equal(self._looked[0], self._group[0].image):
            images = [self._looked[1]]
        else:
            images = self._passes.encode_images([prepared.image for prepared in self._group])
        if self._judge is not None:
            pairs = zip(self._group, images, strict=True)
            self._encoded = {(prepared.index, 1.0): (prepared, image) for prepared, image in pairs}
        for prompt_number, text in self._texts.items():
            if self._judge is not None and self._judge.denies(prompt_number):
                yield from self._ask_presence(self._judge, images, text, prompt_number)
                continue
            works = [
                SliceSamples(
                    prepared,
                    self._passes.meet(image, text),
                    RunningSums.zeros(prepared.placement.input_size, self.device),
                    self.request.thresholds[prompt_number] if self._measures_samples else None,
                )
                for prepared, image in zip(self._group, images, strict=True)
            ]
            yield from self._sample(works, prompt_number)
        self._group = []

    @property
    def _sharpens(self) -> bool:
        """True for the slice in view, which comes alone and is shown while its samples are drawn."""
        return self.previews and self._group[0].number == 1

    @property
    def _counts(self) -> list[int]:
        """Numbers of samples after which a slice is looked at."""
        samples, adaptive = self.request.samples, self.request.adaptive
        if adaptive is not None:
            return adaptive.counts(samples)
        if not self._sharpens:
            return [samples]
        return [*(2**n for n in range(1, samples.bit_length()) if 2**n < samples), samples]

    def _sample(self, works: list[SliceSamples], prompt_number: int) -> Iterator[Event]:
        """Draw the samples of one prompt on some slices and write its maps."""
        maps, axis = self.maps[prompt_number], self.axis
        if self._sharpens:
            maps.insert_probability(axis, works[0].slice, self._passes.preview(works[0].pair))
            yield self.preview(prompt_number, works[0].slice.index)
        for count in self._counts:
            for batch in self._passes.draw(works, count):
                reached = [work for work in batch if work.sums.count == count]
                finished = [work for work in reached if self._is_finished(work, prompt_number)]
                for work in finished:
                    maps.insert(axis, work.slice, work.sums)
                    if work.sizes:
                        sizes = torch.cat(work.sizes).cpu().numpy()
                        maps.sample_volumes += sizes * (self.request.volume.voxel_volume / 1000)
                self.finished += len(finished)
                works = [work for work in works if work not in finished]
                under_way = sum(work.sums.count for work in works) / self.request.samples
                yield self.progress("segmenting", batch[-1].slice.number, batch[-1].sums.count, under_way)
                for work in reached if self._sharpens else finished:
                    if work not in finished:
                        maps.insert_probability(axis, work.slice, work.sums.mean()[0])
                    if self.previews:
                        yield self.preview(prompt_number, work.slice.index, work.sums.count)

    def _is_finished(self, work: SliceSamples, prompt_number: int) -> bool:
        samples, adaptive = self.request.samples, self.request.adaptive
        if work.sums.count == samples:
            return True
        threshold = self.request.thresholds[prompt_number]
        return adaptive is not None and has_settled(adaptive, work.sums, threshold, samples)

    def _ask_presence(
        self, judge: Judge, images: list[ImageState], text: TextState, prompt_number: int
    ) -> Iterator[Event]:
        """Ask for what a prompt denies on the slices of the group, a single pass each."""
        for prepared, image in zip(self._group, images, strict=True):
            probability = self._restored(prepared, self._passes.preview(self._passes.meet(image, text)))
            inside = probability > self.request.thresholds[prompt_number]
            judge.note_presence(prompt_number, prepared.index, float(inside.mean()))
            self.finished += 1
            yield self.progress("segmenting", prepared.number, self.part_count)

    def hold_together(self) -> Iterator[Event]:
        if not self._smoothing:
            return
        sigma = self._smoothing / self.request.volume.spacing[2 - self.axis.axis]
        for maps in self.maps:
            for _ in smooth(maps, self.axis, self.indices, sigma):
                yield self.progress("smoothing", 1, 0, slices=1)

    def judge(self) -> Iterator[Event]:
        judge = self._judge
        assert judge is not None
        for number, maps in enumerate(self.maps):
            verdict = judge.verdict(number, maps, self.axis, self._ask)
            if verdict.is_unknown and not self.request.show_anyway:
                self.maps[number] = maps.masks_alone()
            self.verdicts[number] = verdict
            yield self.progress("looking", 1, 0, slices=1)

    def keep_islands(self) -> Iterator[Event]:
        size, _ = self.request.volume.voxel_measure
        for number, (maps, rule) in enumerate(zip(self.maps, self.request.island_rules, strict=True)):
            if rule == ALL or maps.probability is None:  # held back, and empty
                continue
            maps.keep_islands(self.axis, rule, size)
            verdict = self.verdicts[number]
            if verdict is not None and maps.removed_islands and maps.is_empty:
                self.verdicts[number] = nothing_kept(verdict)
            yield self.progress("islands", 1, 0, slices=1)

    def _ask(self, words: str, index: int, scale: float = 1.0) -> NDArray[np.float32]:
        """Probability (H, W) of a single pass with the noise at its mean, see :data:`Ask`."""
        if (index, scale) not in self._encoded:
            if len(self._encoded) >= MOST_ENCODED:
                self._encoded.clear()
            prepared = self._prepare(SeenSlice(index, 1, self.pixels(index)), scale)
            self._encoded[index, scale] = prepared, self._passes.encode_images([prepared.image])[0]
        prepared, image = self._encoded[index, scale]
        return self._restored(prepared, self._passes.preview(self._passes.meet(image, self._text(words))))

    def _restored(self, prepared: PreparedSlice, probability: Tensor) -> NDArray[np.float32]:
        """A map (S, S) on the slice's own grid (H, W)."""
        with torch.inference_mode():
            return prepared.placement.restore(probability[None])[0].cpu().numpy()

    def settings(self) -> dict[str, Any]:
        adaptive = self.request.adaptive
        judged: dict[str, Any] = {}
        if self._judge is not None:
            judged = {
                "sight": self._judge.sight.record(),
                "show_anyway": self.request.show_anyway,
                "own_words": self.request.own_words,
                "knowledge_hash": self._model.knowledge_hash,
            }
        return {
            **judged,
            "model": self._model.name,
            "model_hash": self._model.model_hash,
            "samples": self.request.samples,
            "adaptive": dataclasses.asdict(adaptive) if adaptive else None,
            "precision": self._precision,
            "smoothing": self._smoothing,
            "noise": self.request.noise,
            "islands": rules_record(self.request.island_rules, self.request.volume.voxel_measure[1]),
        }
