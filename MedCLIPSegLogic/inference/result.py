"""What a run yields: progress while it works, then one result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..knowledge.known import Level
from ..knowledge.verdict import Verdict
from ..volumes.intensity import IntensityMapping
from ..volumes.planes import ACQUISITION, SliceAxis, choose_axis
from ..volumes.volume import Volume
from .islands import ALL, IslandRule

MAX_ENTROPY = float(np.log(2.0))
"""Largest binary entropy in nats: the upper end of every uncertainty scale."""


Stage = Literal["segmenting", "smoothing", "looking", "islands", "words"]
Unit = Literal["sample", "prompt"]


@dataclass(frozen=True)
class Progress:
    """One small step of a run.

    Args:
        stage: what is being done: "segmenting", "smoothing" across the slices, "looking" at the image or for what a
            prompt means, removing "islands", or asking for the "words" of a prompt.
        slice_number: k of slice k of n, counted from 1.
        slice_count: n.
        unit: what the parts of a slice are: samples of the present prompt, or prompts.
        part_number: m of part m of N, counted from 1; 0 for a slice that is skipped.
        part_count: N; of samples fewer may be drawn in adaptive mode.
        fraction: share of the whole run that is done, 0…1.
        seconds_left: estimate from the speed so far.
        device: where it is computed, e.g. "cpu" or "cuda:0".
    """

    stage: Stage
    slice_number: int
    slice_count: int
    unit: Unit
    part_number: int
    part_count: int
    fraction: float
    seconds_left: float
    device: str


@dataclass(frozen=True, eq=False)
class SlicePreview:
    """What is known of one slice so far.

    Args:
        prompt_number: index of the prompt in the request.
        slice_axis: voxel axis the slices are taken along: 0 = K, 1 = J, 2 = I.
        slice_index: index along that axis.
        samples: Monte-Carlo samples so far; 0 for the first preview, a single pass with the noise at its mean.
        probability: float32, their mean, 0…1; 2-D, as ``volume.take(slice_index, slice_axis)`` lies.
    """

    prompt_number: int
    slice_axis: int
    slice_index: int
    samples: int
    probability: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PromptResult:
    """Maps of one prompt, each (K, J, I) on the voxel grid of the input; slices that were not asked for hold 0.

    In a run without maps there is the mask alone. What is held back, because the prompt is not understood or the kind
    of image is not known, and the answer to a prompt that denies a thing, has an empty mask and no maps. Where three
    planes were fused, all is of the fused answer, but for ``samples_drawn``, which are those of the plane shown first.

    Args:
        prompt: the text as typed.
        name: short name for the segment (the prompt unless the user gave one).
        probability: float32, mean over the Monte-Carlo samples, 0…1.
        mask: uint8, 1 where probability > threshold, without the islands that were removed.
        uncertainty: float32, entropy of the mean probability in nats, 0…ln 2.
        mutual_information: float32, uncertainty − expected_entropy in nats (model uncertainty); where planes were fused
            the mean of theirs, at most the uncertainty.
        threshold: the threshold used for ``mask``.
        mean_uncertainty: mean uncertainty in nats inside the mask; over the segmented slices when the mask is empty;
            None where it would mean nothing (see ``Verdict.is_unknown``) and where nothing was segmented.
        uncertainty_level: of ``mean_uncertainty`` compared with the model's answers on validation images; None for an
            empty mask, and where the model does not know.
        samples_drawn: Monte-Carlo samples of each slice, in the order of the result's ``slice_indices``; 0 for slices
            that were skipped.
        sample_volumes: volume in mL of the segment in each sample, from the sample's own mask at the size of the model
            input, without smoothing. Only where the noise of a sample is one draw for the volume, every slice has all
            samples and the size of voxels is known; else empty.
        verdict: what is to be thought of the answer; None in a run that was not asked to judge.
        disagreement: float32, disagreement of the planes in nats, 0…ln 2: entropy of the mean of their probabilities
            minus the mean of their entropies; None unless planes were fused.
        plane_agreement: mean Dice of the masks of two planes, 0…1; None unless planes were fused, and where all are
            empty.
        islands: the rule by which islands of the mask were kept.
        removed_islands: voxels of each island that was removed by it, the largest first.
    """

    prompt: str
    name: str
    probability: NDArray[np.float32] | None
    mask: NDArray[np.uint8]
    uncertainty: NDArray[np.float32] | None
    mutual_information: NDArray[np.float32] | None
    threshold: float
    mean_uncertainty: float | None
    samples_drawn: tuple[int, ...] = ()
    verdict: Verdict | None = None
    uncertainty_level: Level | None = None
    sample_volumes: tuple[float, ...] = ()
    disagreement: NDArray[np.float32] | None = None
    plane_agreement: float | None = None
    islands: IslandRule = ALL
    removed_islands: tuple[int, ...] = ()

    @property
    def expected_entropy(self) -> NDArray[np.float32] | None:
        """float32, mean entropy of the samples in nats (data uncertainty); made anew at every call."""
        if self.uncertainty is None or self.mutual_information is None:
            return None
        return self.uncertainty - self.mutual_information

    @property
    def sample_volume(self) -> tuple[float, float] | None:
        """Mean and standard deviation (divisor n − 1) of ``sample_volumes`` in mL; None for fewer than two."""
        if len(self.sample_volumes) < 2:
            return None
        return mean(self.sample_volumes), stdev(self.sample_volumes)


@dataclass(frozen=True, eq=False)
class SegmentationResult:
    """Everything a run produced.

    Args:
        volume: the input, for its geometry.
        prompts: one entry per prompt, in the order given.
        slice_axis: voxel axis the slices were taken along: 0 = K, 1 = J, 2 = I.
        slice_indices: indices along that axis that were asked for; their maps are to be taken over.
        mapping: grey values to 8 bit, as the model saw them.
        settings: JSON-ready record of every setting (model, model hash, samples, seed, plane, intensity, device…).
        seconds: wall time of the run.
        notes: what is to be said of the run, a sentence each.
    """

    volume: Volume
    prompts: tuple[PromptResult, ...]
    slice_axis: int
    slice_indices: tuple[int, ...]
    mapping: IntensityMapping
    settings: dict[str, Any]
    seconds: float
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def axis(self) -> SliceAxis:
        """How slices were cut; of fused planes those of the plane that was shown first."""
        name = self.settings["plane"]
        return choose_axis(self.volume, "auto" if name == ACQUISITION else name)


Event = Progress | SlicePreview | SegmentationResult
"""What a run yields; the result comes last."""


def to_the_end(events: Iterable[Event], on_progress: Callable[[Progress], None] | None = None) -> SegmentationResult:
    """Work a run off.

    Args:
        events: of the run.
        on_progress: called after every small step.

    Returns:
        Its result.
    """
    for event in events:
        if isinstance(event, Progress) and on_progress:
            on_progress(event)
        if isinstance(event, SegmentationResult):
            return event
    raise AssertionError("a run ends with a result")
