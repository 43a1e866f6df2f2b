"""What a run is asked to do; checks itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import MedCLIPSegError
from ..volumes.intensity import IntensityRule
from ..volumes.planes import Plane
from ..volumes.volume import Volume
from .adaptive import AdaptiveSampling

MAX_SAMPLES = 1000
MAX_SEED = 2**64 - 1
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "fast", "int8", "bfloat16", "float16"]


@dataclass(frozen=True, eq=False)
class SegmentationRequest:
    """One run on one volume.

    Args:
        volume: the image.
        prompts: one text a segment; overlaps between their masks are allowed.
        samples: Monte-Carlo passes a slice, 1…1000; the most there can be in adaptive mode.
        adaptive: rule by which a slice gets fewer passes when its result has settled; None draws all.
        threshold: probability above which a voxel is inside, 0…1 exclusive; one for all prompts or one a prompt.
        plane: direction of the slices; "auto" is the acquisition plane.
        slices: (first, end) slice numbers, end exclusive; None for all.
        start_slice: slice that is segmented first, the others follow outwards; None begins with the first one. Does
            not change the result.
        intensity: how grey values become 8 bit; None chooses by the data.
        seed: of the noise, 0…2⁶⁴−1.
        device: where to compute; "auto" takes a CUDA device when there is one.
        precision: of the towers, see :mod:`.precision`; "float32" for results to report.
        batch_size: passes computed together; None chooses by the free memory. Does not change the result.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    volume: Volume
    prompts: tuple[str, ...]
    samples: int = 30
    adaptive: AdaptiveSampling | None = None
    threshold: float | tuple[float, ...] = 0.5
    plane: Plane = "auto"
    slices: tuple[int, int] | None = None
    start_slice: int | None = None
    intensity: IntensityRule | None = None
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "float32"
    batch_size: int | None = None

    def __post_init__(self) -> None:
        check_prompts(self.prompts)
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise MedCLIPSegError(f"The number of samples is {self.samples}; it must be between 1 and {MAX_SAMPLES}.")
        check_thresholds(self.thresholds, self.prompts)
        check_seed(self.seed)
        if self.batch_size is not None and self.batch_size < 1:
            raise MedCLIPSegError(f"The batch size is {self.batch_size}; it must be at least 1.")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """One threshold a prompt, in the order of the prompts."""
        return one_each(self.threshold, self.prompts)


def one_each(threshold: float | tuple[float, ...], prompts: tuple[str, ...]) -> tuple[float, ...]:
    """One threshold a prompt from one for all or one for each."""
    return threshold if isinstance(threshold, tuple) else (threshold,) * len(prompts)


def check_prompts(prompts: tuple[str, ...]) -> None:
    """Refuse prompts that say nothing, hold no text, or come twice.

    Raises:
        MedCLIPSegError: with the reason.
    """
    if not prompts or any(not prompt.strip() for prompt in prompts):
        raise MedCLIPSegError("The prompt is empty; type what to look for.")
    if any("\ud800" <= letter <= "\udfff" for prompt in prompts for letter in prompt):
        raise MedCLIPSegError("The prompt holds bytes that are no text; type it anew.")
    if len(set(prompts)) < len(prompts):
        raise MedCLIPSegError("The same prompt is given twice; name each thing once.")


def check_thresholds(thresholds: tuple[float, ...], prompts: tuple[str, ...]) -> None:
    """Refuse thresholds that are no probabilities or not one a prompt.

    Raises:
        MedCLIPSegError: with the reason.
    """
    if len(thresholds) != len(prompts):
        raise MedCLIPSegError(
            f"There are {len(thresholds)} thresholds for {len(prompts)} prompts; give one threshold for all prompts or "
            "one for each."
        )
    for threshold in thresholds:
        if not 0 < threshold < 1:
            raise MedCLIPSegError(f"The threshold is {threshold}; it must lie between 0 and 1.")


def check_seed(seed: int) -> None:
    """Refuse a seed out of range.

    Raises:
        MedCLIPSegError: with the reason.
    """
    if not 0 <= seed <= MAX_SEED:
        raise MedCLIPSegError(f"The seed is {seed}; it must be a whole number from 0 to 2^64 - 1.")
