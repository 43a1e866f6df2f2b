"""The choices on the way from a saliency map to masks, and a request with all of them. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..checked import checked
from ..inference.request import RunRequest

Binarization = Annotated[
    Literal["crf", "otsu", "two-means"],
    Field(description="How the saliency map is cut; crf with medclip-sam, otsu with medclip-sam-v2."),
]
Confidence = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        title="least confidence",
        description="Least mean saliency of an object; 0.5 with medclip-sam-v2, else 0.",
    ),
]
MostObjects = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        title="number of objects",
        description="Objects a slice has at most, the largest; 1 with medclip-sam, else any number.",
    ),
]


@checked
class ComponentRule:
    """Which parts are kept.

    Args:
        confidence: least mean saliency inside a part, 0…1 (MedCLIP-SAMv2, whose paper leaves the number open).
        most: how many parts at most, the largest ones; None for all.
    """

    confidence: Confidence = 0.0
    most: MostObjects | None = None


PromptKind = Annotated[
    Literal["box", "points", "both"], Field(description="How SAM is told of an object; box as published.")
]
Padding = Annotated[
    float,
    Field(ge=0, le=1, description="Share of its size by which an object's box grows on each side; 0 as published."),
]
Points = Annotated[
    int, Field(ge=1, le=1000, title="number of points", description="Points an object gets; 10 as published.")
]


@checked
class PromptRule:
    """How an object of the coarse mask is pointed out.

    Args:
        kind: a box around it, points inside it, or both.
        padding: by how much of its width and height the box grows on each side, 0…1; points keep away from the border
            of the object by as much of its shorter side, where it is wide enough. Both papers have none.
        points: how many points an object gets at most (10 in MedCLIP-SAMv2).
    """

    kind: PromptKind = "box"
    padding: Padding = 0.0
    points: Points = 10


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
