"""Monte-Carlo segmentation as a generator of small steps (no Slicer, no Qt)."""

from __future__ import annotations

import platform
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import MedCLIPSegError
from ..model.library import LoadedModel
from ..model.network import TextState
from ..model.noise import SeededNoise
from ..version import __version__
from ..volumes.intensity import IntensityMapping, default_rule, resolve
from ..volumes.planes import SliceAxis, choose_axis
from .device import check_result_memory, choose_batch_size, choose_device, is_out_of_memory
from .preprocess import Placement, place, prepare_slice
from .request import SegmentationRequest
from .result import Progress, PromptResult, SegmentationResult, SlicePreview
from .slice_order import outwards, slice_indices
from .uncertainty import RunningSums, binary_entropy

Event = Progress | SlicePreview | SegmentationResult


def run(model: LoadedModel, request: SegmentationRequest, previews: bool = False) -> Generator[Event, None, None]:
    """Segment a volume slice by slice.

    Yields a :class:`Progress` after every small step (at most one batch of passes) and the
    :class:`SegmentationResult` at the end; closing the generator cancels. Results depend neither on the order of
    the slices nor on which others are asked for, and on batch size and previews by rounding only (below 1e-5).

    Args:
        model: network and tokenizer; the network is moved to the device.
        request: what to do.
        previews: also yield a :class:`SlicePreview` of each prompt when a slice is finished, and for the first slice
            whenever the number of samples has doubled.

    Raises:
        MedCLIPSegError: the request does not fit the volume or the machine.
    """
    try:
        yield from _steps(model, request, previews)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MedCLIPSegError(
            f"There is too little memory to segment {request.volume.name}; close other programs, use fewer prompts or "
            "a smaller part of the volume."
        ) from error


def _steps(model: LoadedModel, request: SegmentationRequest, previews: bool) -> Generator[Event, None, None]:
    started = time.monotonic()
    volume = request.volume
    axis = choose_axis(volume, request.plane)
    indices = slice_indices(request.slices, axis.count)
    mapping = resolve(request.intensity or default_rule(volume), volume)
    device = choose_device(request.device)
    check_result_memory(volume, len(request.prompts))
    batch_size = request.batch_size or choose_batch_size(model.config, request.samples, device)
    network = model.network.to(device)
    device_name = str(next(network.parameters()).device)
    with torch.inference_mode():
        texts = [network.encode_text(model.tokenizer([prompt]).to(device)) for prompt in request.prompts]
    maps = [_Maps.zeros(volume.shape) for _ in request.prompts]
    pace = _Pace(len(indices) * len(texts) * request.samples)

    for number, index in enumerate(outwards(indices, request.start_slice), start=1):
        pixels = mapping.apply(axis.extract(volume.voxels, index))
        slice_run = _SliceRun(model, request, pixels, axis.pixel_spacing, index, device, batch_size)
        sharpens = previews and number == 1
        for prompt_number, (text, prompt_maps) in enumerate(zip(texts, maps, strict=True)):
            sums = RunningSums.zeros(slice_run.placement.input_size, device)
            preview_due = 1 if sharpens else request.samples
            while sums.count < request.samples:
                passes = slice_run.step(text, sums, max(1, sums.count) if sharpens else batch_size)
                fraction, seconds_left = pace.advance(passes)
                yield Progress(
                    "Segmenting", number, len(indices), sums.count, request.samples, fraction, seconds_left, device_name
                )
                if sums.count == request.samples:
                    prompt_maps.insert(axis, index, slice_run.placement, sums)
                elif sums.count >= preview_due:
                    prompt_maps.insert_probability(axis, index, slice_run.placement, sums)
                if previews and sums.count >= min(preview_due, request.samples):
                    preview_due = 2 * sums.count
                    shown = np.array(np.moveaxis(prompt_maps.probability, axis.axis, 0)[index])
                    yield SlicePreview(prompt_number, axis.axis, index, sums.count, shown)

    yield SegmentationResult(
        volume=volume,
        prompts=tuple(
            prompt_maps.finish(prompt, threshold, axis, indices)
            for prompt_maps, prompt, threshold in zip(maps, request.prompts, request.thresholds, strict=True)
        ),
        slice_axis=axis.axis,
        slice_indices=tuple(indices),
        mapping=mapping,
        settings=_record(model, request, axis, mapping, device_name),
        seconds=time.monotonic() - started,
    )


class _SliceRun:
    """The passes of one slice; the image tower's part before the first noise is computed once."""

    def __init__(
        self,
        model: LoadedModel,
        request: SegmentationRequest,
        pixels: NDArray[np.uint8],
        pixel_spacing: tuple[float, float],
        index: int,
        device: torch.device,
        batch_size: int,
    ) -> None:
        self._network, self._request, self._index, self._batch_size = model.network, request, index, batch_size
        config = model.config
        size = (int(pixels.shape[0]), int(pixels.shape[1]))
        self.placement = place(size, pixel_spacing, config.image.image_size, config.preprocessing)
        image = prepare_slice(pixels, self.placement, config.preprocessing)
        with torch.inference_mode():
            self._image = self._network.encode_images(image[None].to(device))

    @torch.inference_mode()
    def step(self, text: TextState, sums: RunningSums, most: int) -> int:
        """Add one batch of at most ``most`` passes to the sums of a prompt; returns their number."""
        rows = min(most, self._batch_size, self._request.samples - sums.count)
        noise = SeededNoise(self._request.seed, [(self._index, sums.count + row) for row in range(rows)])
        output = self._network.decode(self._network.meet(self._image, text).repeat(rows), noise)
        sums.add(output.logits.sigmoid())
        return rows


@dataclass(eq=False)
class _Maps:
    """Maps of one prompt on the voxel grid."""

    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    mutual_information: NDArray[np.float32]

    @classmethod
    def zeros(cls, shape: tuple[int, int, int]) -> _Maps:
        return cls(*(np.zeros(shape, np.float32) for _ in range(3)))

    def insert(self, axis: SliceAxis, index: int, placement: Placement, sums: RunningSums) -> None:
        """Resample the means of a slice to its own grid and write them.

        The uncertainty is the entropy of the resampled probability, so that both maps always agree; the mutual
        information is resampled itself, so that interpolation does not pass for disagreement of the samples.
        """
        with torch.inference_mode():
            probability, information = placement.restore(torch.stack(sums.mean()))
            uncertainty = binary_entropy(probability)
            information = torch.minimum(information, uncertainty)
        axis.insert(self.probability, index, probability.cpu().numpy())
        axis.insert(self.uncertainty, index, uncertainty.cpu().numpy())
        axis.insert(self.mutual_information, index, information.cpu().numpy())

    def insert_probability(self, axis: SliceAxis, index: int, placement: Placement, sums: RunningSums) -> None:
        """Write the mean probability alone, to be written again by ``insert``."""
        with torch.inference_mode():
            probability = placement.restore(sums.mean()[0][None])[0]
        axis.insert(self.probability, index, probability.cpu().numpy())

    def finish(self, prompt: str, threshold: float, axis: SliceAxis, indices: list[int]) -> PromptResult:
        mask = self.probability > threshold
        seen = self.uncertainty[mask] if mask.any() else self.uncertainty.take(indices, axis.axis)
        return PromptResult(
            prompt=prompt,
            name=prompt,
            probability=self.probability,
            mask=mask.astype(np.uint8),
            uncertainty=self.uncertainty,
            expected_entropy=self.uncertainty - self.mutual_information,
            mutual_information=self.mutual_information,
            threshold=threshold,
            mean_uncertainty=float(seen.mean(dtype=np.float64)),
        )


class _Pace:
    """Counts passes and estimates the time left from those already done."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started = total, 0, time.monotonic()

    def advance(self, passes: int) -> tuple[float, float]:
        """Share done and seconds left after some more passes."""
        self._done += passes
        pace = (time.monotonic() - self._started) / self._done
        return self._done / self._total, pace * (self._total - self._done)


def _record(
    model: LoadedModel, request: SegmentationRequest, axis: SliceAxis, mapping: IntensityMapping, device: str
) -> dict[str, Any]:
    """Every setting of the run, ready for JSON."""
    return {
        "model": model.name,
        "model_hash": model.model_hash,
        "prompts": list(request.prompts),
        "samples": request.samples,
        "threshold": request.thresholds[0] if len(set(request.thresholds)) == 1 else list(request.thresholds),
        "seed": request.seed,
        "plane": axis.name,
        "slices": list(request.slices) if request.slices else [0, axis.count],
        "intensity": mapping.record(),
        "device": device,
        "versions": {
            "medclipseg": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
