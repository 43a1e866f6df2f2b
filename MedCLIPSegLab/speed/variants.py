"""The ways of segmenting a slice that are compared, and what each of them gives."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from MedCLIPSegLogic.inference.device import autocast, choose_precision, has_bfloat16
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.maps import PromptMaps
from MedCLIPSegLogic.inference.preprocess import PreparedSlice, place, prepare_slice
from MedCLIPSegLogic.inference.request import AdaptiveSampling, Precision, SegmentationRequest
from MedCLIPSegLogic.inference.result import SlicePreview, to_the_end
from MedCLIPSegLogic.inference.uncertainty import RunningSums
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.model.noise import SeededNoise
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis

from ..metrics import dice_score
from .measured import Case
from .published_loop import published_samples

SEED = 0
THRESHOLD = 0.5


@dataclass(frozen=True)
class Variant:
    """A way of segmenting.

    Args:
        name: for tables.
        kind: "loop" is the published one; "preview" ends with the first thing shown, a pass with the noise at its mean.
        precision: of the towers.
    """

    name: str
    kind: str
    precision: Precision = "float32"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a case.

    Args:
        seconds: wall time, model loaded, until the maps were there.
        passes: of the network.
        probability: (H, W) on the slice's own grid.
        spread: of the samples, see :func:`sample_spread`; the loop's alone.
    """

    seconds: float
    passes: int
    probability: NDArray[np.float32]
    spread: tuple[float, float] | None = None


LOOP = Variant("published loop", "loop")


def variants_for(device: torch.device) -> list[Variant]:
    """The baseline first, then what the engine offers on a device."""
    precisions: list[Precision] = ["float32"]
    if device.type == "cpu" and has_bfloat16():
        precisions.append("bfloat16")
    fast = choose_precision("fast", device)
    if fast not in precisions:
        precisions.append(fast)
    return [LOOP] + [
        Variant(kind if precision == "float32" else f"{kind}, {precision}", kind, precision)
        for kind in ("exact", "adaptive", "preview")
        for precision in precisions
    ]


def measure(variant: Variant, model: LoadedModel, case: Case, samples: int, device: torch.device) -> Outcome:
    """Segment a case and keep the time."""
    if variant.kind == "loop":
        return _run_loop(model, case, samples, device)
    request = SegmentationRequest(
        volume=case.volume,
        prompts=(case.prompt,),
        samples=samples,
        threshold=THRESHOLD,
        plane=case.plane,
        slices=(case.index, case.index + 1),
        seed=SEED,
        device="cuda" if device.type == "cuda" else "cpu",
        adaptive=AdaptiveSampling() if variant.kind == "adaptive" else None,
        precision=variant.precision,
    )
    started = time.perf_counter()
    if variant.kind == "preview":
        preview = next(event for event in run(model, request, previews=True) if isinstance(event, SlicePreview))
        return Outcome(time.perf_counter() - started, 1, preview.probability)
    result = to_the_end(run(model, request))
    seconds = time.perf_counter() - started
    prompt = result.prompts[0]
    assert prompt.probability is not None  # no run without maps
    probability = np.moveaxis(prompt.probability, result.slice_axis, 0)[case.index]
    return Outcome(seconds, prompt.samples_drawn[0], probability)


def _run_loop(model: LoadedModel, case: Case, samples: int, device: torch.device) -> Outcome:
    """The published loop, with the engine's own preparation of the slice and its maps."""
    network, config = model.network.to(device), model.config
    axis, drawn = choose_axis(case.volume, case.plane), []
    mapping = resolve(default_rule(case.volume), case.volume)
    started = time.perf_counter()
    pixels = mapping.apply(axis.extract(case.volume.voxels, case.index))
    size = (int(pixels.shape[0]), int(pixels.shape[1]))
    placement = place(size, axis.pixel_spacing, config.image.image_size, config.preprocessing)
    prepared = PreparedSlice(case.index, 1, placement, prepare_slice(pixels, placement, config.preprocessing))
    sums = RunningSums.zeros(placement.input_size, device)
    with autocast("float32", device):
        for logits in published_samples(
            network,
            prepared.image[None].to(device),
            model.tokenizer([case.prompt]).to(device),
            lambda sample: SeededNoise(SEED, [(case.index, sample)]),
            samples,
        ):
            drawn.append(logits.sigmoid())
            sums.add(drawn[-1])
    maps = PromptMaps.zeros(case.volume.shape, 0.5, keep_maps=True)
    maps.insert(axis, prepared, sums)
    seconds = time.perf_counter() - started
    return Outcome(seconds, samples + 1, maps.shown(axis, case.index), sample_spread(torch.cat(drawn)))


def sample_spread(probabilities: Tensor) -> tuple[float, float]:
    """How far samples (N, S, S) lie apart.

    Returns:
        Median over the pixels that are not certain (mean probability 0.02…0.98) of the samples' standard deviation, 0
        if there are none; and mean Dice of one sample's mask with that of the mean, 1 where both are empty.
    """
    mean = probabilities.mean(dim=0)
    uncertain = (mean > 0.02) & (mean < 0.98)
    deviation = float(probabilities.std(dim=0)[uncertain].median()) if uncertain.any() else 0.0
    masks, whole = ((values > THRESHOLD).cpu().numpy() for values in (probabilities, mean))
    return deviation, fmean(dice_score(mask, whole) for mask in masks)
