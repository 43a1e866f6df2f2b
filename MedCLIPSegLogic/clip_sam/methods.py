"""The two published ways from a prompt to a mask without training data, as settings of one chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .rules import Binarization, ComponentRule, PromptRule

MethodName = Literal["medclip-sam", "medclip-sam-v2"]


@dataclass(frozen=True)
class Method:
    """A chain from saliency to mask.

    Args:
        title: for people.
        saliency: how the saliency map is made.
        binarization: how the map is cut.
        components: which parts of the coarse mask are objects.
        pointing: how SAM is told of an object.
        sam: the SAM it was published with.
        keep_largest: of SAM's mask only as many connected parts are kept as there are objects.
        citation: to be cited.
    """

    title: str
    saliency: Literal["gscorecam", "m2ib"]
    binarization: Binarization
    components: ComponentRule
    pointing: PromptRule
    sam: str
    keep_largest: bool
    citation: str


METHODS: dict[MethodName, Method] = {
    "medclip-sam": Method(
        "MedCLIP-SAM",
        saliency="gscorecam",
        binarization="crf",
        components=ComponentRule(most=1),
        pointing=PromptRule("box"),
        sam="sam-vit-base",
        keep_largest=False,
        citation="Koleilat T, et al. MedCLIP-SAM: Bridging Text and Image Towards Universal Medical Image "
        "Segmentation. MICCAI 2024. arXiv:2403.20253.",
    ),
    # The paper leaves the least confidence open.
    "medclip-sam-v2": Method(
        "MedCLIP-SAMv2",
        saliency="m2ib",
        binarization="otsu",
        components=ComponentRule(confidence=0.5),
        pointing=PromptRule("box"),
        sam="sam-vit-huge",
        keep_largest=True,
        citation="Koleilat T, et al. MedCLIP-SAMv2: Towards Universal Text-Driven Medical Image Segmentation. "
        "arXiv:2409.19483.",
    ),
}
