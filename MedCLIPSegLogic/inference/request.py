"""What a run is asked to do, and the rule of its adaptive mode; checks itself. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, InstanceOf

from ..checked import checked
from ..errors import MedCLIPSegError, quoted
from ..volumes.intensity import IntensityRule
from ..volumes.planes import Plane as AnyPlane
from ..volumes.planes import choose_axis, usable_planes
from ..volumes.volume import Volume
from .islands import ALL, IslandRule, check_island_rule

GROWTH = 1.5
MAX_THREADS = 1024
AUTOMATIC: Literal["auto"] = "auto"


@checked
class AdaptiveSampling:
    """Draw samples of a slice until its result has settled, but no more than the request's ``samples``, N.

    The rule is applied to each prompt of each slice, on the square map of the model input, when n samples are drawn:
    n is ``minimum`` at first and then grows by half, rounded up, so that it depends on nothing but this rule. With the
    running mean p of the probability and the standard deviation s of the samples (divisor n − 1), the error that is
    left towards the mean of all N samples is estimated as e = s·√(1/n − 1/N), the Monte-Carlo standard error with the
    correction for a finite population. The slice has settled when

    1. the expected number of pixels whose side of the threshold t would still change, Σ Φ(−|p − t| / e), is at most
       ``mask_change`` times the pixels above t (or a thousandth of all pixels, if that is more), Φ being the standard
       normal distribution; Dice of the masks then loses about half of that share;
    2. the root mean square of what one e does to the entropy map, max |H(p ± e) − H(p)|, is at most ``entropy_change``
       times the standard deviation of the entropies over the map; the maps then correlate by about
       1/√(1 + ``entropy_change``²).

    The values were chosen on Val folders with the model ``mini``.

    Args:
        minimum: samples that are always drawn, at least 3 (or N, if that is less).
        mask_change: largest expected share of the mask that would still change.
        entropy_change: largest relative error of the entropy map.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    minimum: Annotated[int, Field(ge=3, title="least number of samples")] = 3
    mask_change: Annotated[float, Field(ge=0)] = 0.015
    entropy_change: Annotated[float, Field(ge=0)] = 0.15

    def counts(self, samples: int) -> list[int]:
        """The numbers of samples after which the rule is applied, rising to ``samples``."""
        counts = [min(self.minimum, samples)]
        while counts[-1] < samples:
            counts.append(min(math.ceil(GROWTH * counts[-1]), samples))
        return counts


def _check_prompts(prompts: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse prompts that say nothing, hold no text, or come twice."""
    if not prompts or any(not prompt.strip() for prompt in prompts):
        raise MedCLIPSegError("The prompt is empty; type what to look for.")
    if any("\ud800" <= letter <= "\udfff" for prompt in prompts for letter in prompt):
        raise MedCLIPSegError("The prompt holds bytes that are no text; type it anew.")
    if len(set(prompts)) < len(prompts):
        raise MedCLIPSegError("The same prompt is given twice; name each thing once.")
    return prompts


def check_threads(threads: object) -> Literal["auto"] | int:
    """A number of threads from "auto", also as the 0 of earlier records, or a number, also as text.

    Raises:
        MedCLIPSegError: it is neither.
    """
    text = str(threads).strip()
    if text in (AUTOMATIC, "0"):
        return AUTOMATIC
    if not isinstance(threads, bool) and text.isdecimal() and len(text) < 5 and int(text) <= MAX_THREADS:
        return int(text)
    raise MedCLIPSegError(
        f"The number of threads is {quoted(threads)}; it must be {AUTOMATIC} or a whole number from 1 to {MAX_THREADS}."
    )


def _check_island_rules(rules: object) -> IslandRule | tuple[IslandRule, ...]:
    """One rule, or one of each prompt; refused as by ``check_island_rule``."""
    if isinstance(rules, (tuple, list)):
        return tuple(check_island_rule(rule) for rule in rules)
    return check_island_rule(rules)


MAX_SAMPLES = 1000
ShowAnyway = Annotated[
    bool,
    Field(
        description="Show mask and maps also where the prompt is not understood or the kind of image is not known; "
        "they mean nothing then."
    ),
]
OwnWords = Annotated[
    bool,
    Field(description="Ask a prompt that is not understood in the nearest words the model knows; the verdict says so."),
]
Threads = Annotated[
    Literal["auto"] | int,
    BeforeValidator(check_threads),
    Field(
        title="number of threads",
        description="Processor threads: a number, or auto for as many as other programs leave processors.",
    ),
]
ChosenBy = Literal["person", "knowledge", "acquisition"]
Share = Annotated[float, Field(ge=0, le=1)]
Prompts = Annotated[tuple[str, ...], BeforeValidator(_check_prompts)]
Samples = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_SAMPLES,
        title="number of samples",
        description="Monte-Carlo passes, 30 by default; more give a steadier uncertainty.",
    ),
]
Threshold = Annotated[float, Field(gt=0, lt=1, description="Probability or score above which a voxel is inside.")]
Plane = Annotated[
    AnyPlane,
    Field(
        description="Direction of a volume's slices; auto is the plane in which the model does best for what is asked, "
        "where that is known and the volume's spacing allows it, else the plane it was acquired in."
    ),
]
Seed = Annotated[
    int, Field(ge=0, le=2**64 - 1, description="Of everything random; the same seed gives the same result.")
]
Device = Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to compute.")]
ThreePlanes = Annotated[
    bool,
    Field(
        description="Segment a volume in all three planes and fuse their answers: three to four times the work of one "
        "plane, fewer holes and islands."
    ),
]
Smoothing = Annotated[
    float,
    Field(
        ge=0,
        le=50,
        title="smoothing across slices",
        description="Standard deviation in mm of a Gaussian over neighboring slices, on the logits; 0 for none.",
    ),
]
Noise = Annotated[
    Literal["slice", "volume"],
    Field(
        description="Whether a sample draws the adapters' noise anew for every slice, as published, or once for the "
        "whole volume, so that samples of a volume differ as wholes."
    ),
]
Islands = Annotated[
    IslandRule | tuple[IslandRule, ...],
    BeforeValidator(_check_island_rules),
    Field(
        title="islands to keep",
        description="Connected parts of the mask that are kept: all, largest, or a number for those of at least so "
        "many mm² of a single slice, mm³ of a volume, or pixels or voxels where their size is not known; what is "
        "removed is told.",
    ),
]
Maps = Annotated[
    bool,
    Field(
        description="Keep the maps of every prompt; without them there is only the mask and its mean uncertainty, for "
        "many prompts on a large volume."
    ),
]
Precision = Annotated[
    Literal["float32", "fast", "int8", "bfloat16", "float16"],
    Field(description="Numbers of the towers: float32, the default, is exact; fast is what the device does best."),
]


@checked
class RunRequest:
    """What every run on a volume is asked.

    Args:
        volume: the image.
        prompts: one text per segment; overlaps between their masks are allowed.
        threshold: probability above which a voxel is inside, 0…1 exclusive; one for all prompts or one per prompt.
        plane: direction of the slices; "auto" is the acquisition plane. What the model knows of planes is looked up
            before, see :func:`plane_choice.choose_plane`.
        slices: (first, end) slice numbers, end exclusive; None for all.
        start_slice: slice that is segmented first, the others follow outwards; None begins with the first one. Does
            not change the result.
        intensity: how grey values become 8 bit; None chooses by the data.
        seed: of everything random, 0…2⁶⁴−1.
        device: where to compute; "auto" takes a CUDA device when there is one.
        threads: of the processor; "auto" for what other programs leave. Changes the result by rounding only.
        maps: keep the maps (K, J, I) of every prompt; without, memory grows with the masks alone.
        judge: give each answer a verdict, and hold back what means nothing; off to measure the network itself.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    volume: InstanceOf[Volume]
    prompts: Prompts
    _: KW_ONLY
    threshold: Threshold | tuple[Threshold, ...] = 0.5
    plane: Plane = "auto"
    slices: tuple[int, int] | None = None
    start_slice: int | None = None
    intensity: InstanceOf[IntensityRule] | None = None
    seed: Seed = 0
    device: Device = "auto"
    threads: Threads = "auto"
    maps: Maps = True
    judge: bool = False

    def __post_init__(self) -> None:
        if len(self.thresholds) != len(self.prompts):
            raise MedCLIPSegError(
                f"There are {len(self.thresholds)} thresholds for {len(self.prompts)} prompts; give one threshold for "
                "all prompts or one for each."
            )

    @property
    def plane_chosen_by(self) -> ChosenBy:
        """Who chose the plane."""
        return "acquisition" if self.plane == AUTOMATIC else "person"

    @property
    def thresholds(self) -> tuple[float, ...]:
        """One threshold per prompt, in the order of the prompts."""
        return self.threshold if isinstance(self.threshold, tuple) else (self.threshold,) * len(self.prompts)


@checked
class SegmentationRequest(RunRequest):
    """A run of a trained model.

    Args:
        samples: Monte-Carlo passes per slice, 1…1000; the most there can be in adaptive mode.
        adaptive: rule by which a slice gets fewer passes when its result has settled; None draws all.
        precision: of the towers, see :mod:`.precision`; "float32" for results to report.
        batch_size: passes computed together; None chooses by the free memory. Does not change the result.
        show_anyway: in a run that judges, show what means nothing too; its verdict stays.
        own_words: in a run that judges, ask a prompt that is not understood in the nearest words the model knows.
        three_planes: segment in all three planes and fuse; ``plane`` is then the one that is shown first. Planes whose
            slices are stripes are left out. Not of a picture, a single slice or some of the slices.
        plane_weights: of the axial, the coronal and the sagittal plane where they are fused; None for the same of each.
        knows_plane: ``plane`` was chosen by what the model knows.
        smoothing: standard deviation in mm of a Gaussian across the slices, on the logits of the mean; 0 for none.
            Of a single slice nothing changes.
        noise: what one draw of a sample's noise is for.
        islands: connected parts of a mask that are kept, one rule for all prompts or one per prompt. The last thing
            that is done to a mask: maps stay, the mean uncertainty is that of what is kept. The verdict is on the
            answer as the model gave it, since an answer in pieces is no surer with one of them shown alone; but where
            nothing is left, it says so. Of some of the slices an island is what lies in these.

    Raises:
        MedCLIPSegError: a value is out of range, or smoothing or islands are asked for that cannot be done.
    """

    samples: Samples = 30
    adaptive: InstanceOf[AdaptiveSampling] | None = None
    precision: Precision = "float32"
    batch_size: Annotated[int, Field(ge=1)] | None = None
    show_anyway: ShowAnyway = False
    own_words: OwnWords = False
    three_planes: ThreePlanes = False
    plane_weights: tuple[Share, Share, Share] | None = None
    knows_plane: bool = False
    smoothing: Smoothing = 0.0
    noise: Noise = "slice"
    islands: Islands = ALL

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_islands()
        if self.smoothing and not self.volume.is_single_slice:
            self._check_smoothing()
        if self.three_planes:
            self._check_planes()

    def _check_smoothing(self) -> None:
        if not self.volume.spacing_known:
            raise MedCLIPSegError(
                f"The distance of the slices of {quoted(self.volume.name)} is not known, so they cannot be smoothed by "
                "mm; choose a smoothing of 0."
            )
        if not self.maps:
            raise MedCLIPSegError(
                "Smoothing across slices needs the maps of probability; keep the maps, or choose a smoothing of 0."
            )

    def _check_islands(self) -> None:
        if len(self.island_rules) != len(self.prompts):
            raise MedCLIPSegError(
                f"There are {len(self.island_rules)} rules for islands for {len(self.prompts)} prompts; give one for "
                "all prompts or one for each."
            )
        if not self.maps and any(rule != ALL for rule in self.island_rules):
            raise MedCLIPSegError(
                f"Removing islands needs the maps of uncertainty; keep the maps, or choose {ALL} islands."
            )

    def _check_planes(self) -> None:
        if self.volume.is_single_slice or not self.volume.spacing_known:
            raise MedCLIPSegError(
                f"{quoted(self.volume.name)} is a picture or a single slice and has no three planes to fuse; choose "
                "one plane."
            )
        chosen = choose_axis(self.volume, self.plane)
        planes = [axis.name for axis in usable_planes(self.volume)]
        if planes and chosen.name not in planes and self.plane_chosen_by == "person":
            raise MedCLIPSegError(
                f"The {chosen.name} slices of {quoted(self.volume.name)} would be stripes and cannot be fused; choose "
                "the plane auto, or one plane."
            )
        count = chosen.count
        if self.slices not in (None, (0, count)):
            raise MedCLIPSegError(
                "Three planes are fused over a whole volume only; leave the choice of slices out, or choose one plane."
            )

    @property
    def island_rules(self) -> tuple[IslandRule, ...]:
        """One rule for islands per prompt, in the order of the prompts."""
        return self.islands if isinstance(self.islands, tuple) else (self.islands,) * len(self.prompts)

    @property
    def plane_chosen_by(self) -> ChosenBy:
        """Who chose the plane."""
        return "knowledge" if self.knows_plane else super().plane_chosen_by
