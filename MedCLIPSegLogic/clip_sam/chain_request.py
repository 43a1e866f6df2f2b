"""What a zero-shot run is asked to do; checks itself. Imports no torch."""

from __future__ import annotations

from ..checked import checked
from ..inference.request import RunRequest
from .rules import Binarization, ComponentRule, PromptRule


@checked
class ZeroShotRequest(RunRequest):
    """A run of a method without training data; its thresholds are for the score.

    Args:
        binarization: how a saliency map is cut.
        components: which parts of a coarse mask are objects.
        pointing: how SAM is told of an object.
        keep_largest: of SAM's mask keep only as many connected parts as there are objects.

    Raises:
        MedCLIPSegError: a value is out of range.
    """

    binarization: Binarization = "otsu"
    components: ComponentRule = ComponentRule()
    pointing: PromptRule = PromptRule()
    keep_largest: bool = False
