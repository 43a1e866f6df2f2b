"""What a zero-shot run is asked to do; checks itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import MedCLIPSegError
from ..inference.request import Device, check_prompts, check_seed, check_thresholds, one_each
from ..volumes.intensity import IntensityRule
from ..volumes.planes import Plane
from ..volumes.volume import Volume
from .coarse import Binarization
from .components import ComponentRule
from .object_prompts import PromptRule

MAX_POINTS = 1000
MAX_OBJECTS = 1000


@dataclass(frozen=True, eq=False)
class ZeroShotRequest:
    """One zero-shot run on one volume.

    Args:
        volume: the image.
        prompts: one text a segment; overlaps between their masks are allowed.
        binarization: how a saliency map is cut.
        components: which parts of a coarse mask are objects.
        pointing: how SAM is told of an object.
        keep_largest: of SAM's mask keep only as many connected parts as there are objects.
        threshold: score above which a voxel is inside, 0…1 exclusive; one for all prompts or one a prompt.
        plane: direction of the slices; "auto" is the acquisition plane.
        slices: (first, end) slice numbers, end exclusive; None for all.
        start_slice: slice that is segmented first, the others follow outwards; None begins with the first one. Does
            not change the result.
        intensity: how grey values become 8 bit; None chooses by the data.
        seed: of the choice of points, 0…2⁶⁴−1.
        device: where to compute; "auto" takes a CUDA device when there is one.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    volume: Volume
    prompts: tuple[str, ...]
    binarization: Binarization = "otsu"
    components: ComponentRule = field(default_factory=ComponentRule)
    pointing: PromptRule = field(default_factory=PromptRule)
    keep_largest: bool = False
    threshold: float | tuple[float, ...] = 0.5
    plane: Plane = "auto"
    slices: tuple[int, int] | None = None
    start_slice: int | None = None
    intensity: IntensityRule | None = None
    seed: int = 0
    device: Device = "auto"

    def __post_init__(self) -> None:
        check_prompts(self.prompts)
        check_thresholds(self.thresholds, self.prompts)
        check_seed(self.seed)
        confidence, most = self.components.confidence, self.components.most
        if not 0 <= confidence < 1:
            raise MedCLIPSegError(f"The least confidence is {confidence}; it must be at least 0 and less than 1.")
        if most is not None and not 1 <= most <= MAX_OBJECTS:
            raise MedCLIPSegError(f"The number of objects is {most}; it must be between 1 and {MAX_OBJECTS}.")
        if not 0 <= self.pointing.padding <= 1:
            raise MedCLIPSegError(f"The padding is {self.pointing.padding}; it must be a share from 0 to 1.")
        if not 1 <= self.pointing.points <= MAX_POINTS:
            raise MedCLIPSegError(
                f"The number of points is {self.pointing.points}; it must be between 1 and {MAX_POINTS}."
            )

    @property
    def thresholds(self) -> tuple[float, ...]:
        """One threshold a prompt, in the order of the prompts."""
        return one_each(self.threshold, self.prompts)
