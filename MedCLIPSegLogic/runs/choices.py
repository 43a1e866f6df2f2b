"""Every choice a person has for a run, each defined once, whoever asks for it. Imports no torch."""

from __future__ import annotations

from dataclasses import KW_ONLY
from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field, InstanceOf

from ..checked import checked
from ..clip_sam.methods import METHODS, MethodName
from ..clip_sam.prompt_sets import Design
from ..clip_sam.rules import Binarization, Confidence, MostObjects, Padding, Points, PromptKind
from ..errors import MedCLIPSegError
from ..inference.islands import ALL
from ..inference.request import (
    AdaptiveSampling,
    Device,
    Islands,
    Maps,
    Noise,
    OwnWords,
    Plane,
    Precision,
    Samples,
    Seed,
    ShowAnyway,
    Smoothing,
    Threads,
    ThreePlanes,
    Threshold,
)
from ..volumes.intensity import CT_PRESETS, IntensityRule, preset, window

NO_SAM = "none"
OF_TRAINED_MODELS = (
    "samples", "adaptive", "precision", "show_anyway", "own_words", "three_planes", "smoothing", "noise",
    "islands",
)  # fmt: skip


@checked
class ChainChoices:
    """What only a method without training data asks; what is None is as published with the method.

    Raises:
        MedCLIPSegError: a value is out of range, or choices do not go together.
    """

    _: KW_ONLY
    towers: Annotated[
        str | Path | None,
        Field(
            description="CLIP towers: a bundled or installed model or backbone (see models list), or a model folder; "
            "biomedclip if it is there, else mini."
        ),
    ] = None
    sam: Annotated[
        str | Path | None,
        Field(
            title="SAM",
            description="Installed SAM (see models list) or its folder; none takes the coarse mask; by default the "
            "one the method was published with, else any that is there.",
        ),
    ] = None
    object_prompts: PromptKind | None = None
    padding: Padding | None = None
    points: Points | None = None
    binarization: Binarization | None = None
    confidence: Confidence | None = None
    objects: MostObjects | None = None
    study: Annotated[
        str | None,
        Field(
            description="Kind of study, for settings published for it: breast ultrasound, brain MRI, chest X-ray, "
            "lung CT."
        ),
    ] = None
    design: Annotated[
        Design | None,
        Field(
            description="Published sentences of the study that stand for the prompt, averaged; the prompt then only "
            "names what is looked for."
        ),
    ] = None
    kind: Annotated[
        str | None, Field(description="Kind of the object, such as malignant, for the designs P1, P3 and P5.")
    ] = None
    prompt_sets: Annotated[
        Path | None,
        Field(
            description="JSON file with studies and sentences of your own for study and design, instead of the "
            "published ones."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.prompt_sets is not None and self.design is None:
            raise MedCLIPSegError(
                f"The prompt sets {self.prompt_sets} need a choice of their sentences; give a design, P0 to P5."
            )


OF_METHODS = tuple(ChainChoices.__dataclass_fields__)


@checked
class RunChoices(ChainChoices):
    """How to segment; what is None is chosen for the person.

    Each field says for itself what it means. ``model`` may also be a method without training data, "medclip-sam" or
    "medclip-sam-v2": those of ``OF_TRAINED_MODELS`` then do not apply, nor those of
    :class:`ChainChoices` to a trained model.

    Raises:
        MedCLIPSegError: a value is out of range, or choices do not go together; one sentence names them.
    """

    _: KW_ONLY
    model: Annotated[
        str | Path | None,
        Field(
            description="Name of a bundled or installed model (see models list), or a model folder; mini, until "
            "another model is downloaded."
        ),
    ] = None
    samples: Samples | None = None
    adaptive: Annotated[
        bool | InstanceOf[AdaptiveSampling],
        Field(description="Draw no more samples of a slice than it needs to settle, --samples at most."),
    ] = False
    precision: Precision | None = None
    show_anyway: ShowAnyway = False
    own_words: OwnWords = False
    three_planes: ThreePlanes = False
    smoothing: Smoothing = 0.0
    noise: Noise = "slice"
    islands: Islands = ALL
    threshold: Threshold | tuple[Threshold, ...] = 0.5
    plane: Plane = "auto"
    slices: Annotated[
        str | tuple[int, int] | None, Field(description="First slice and end (exclusive), from 0, such as 10:20.")
    ] = None
    start_slice: int | None = None
    window: Annotated[tuple[float, float] | None, Field(description="Grey values: window width and level.")] = None
    preset: Annotated[str | None, Field(description=f"Grey values: CT window {', '.join(CT_PRESETS)}.")] = None
    intensity: InstanceOf[IntensityRule] | None = None
    seed: Seed = 0
    device: Device = "auto"
    threads: Threads = "auto"
    maps: Maps = True

    def __post_init__(self) -> None:
        super().__post_init__()
        foreign = OF_TRAINED_MODELS if self.method else OF_METHODS
        given = next(
            (name for name in foreign if getattr(self, name) != type(self).__dataclass_fields__[name].default), None
        )
        if given is not None:
            whose = "trained models" if self.method else " and ".join(METHODS)
            raise MedCLIPSegError(
                f"The setting '{given}' belongs to {whose}; leave it out with {self.model or 'a trained model'}."
            )
        if sum(rule is not None for rule in (self.window, self.preset, self.intensity)) > 1:
            raise MedCLIPSegError("Give either a window or a preset for the grey values, not both.")

    @property
    def method(self) -> MethodName | None:
        """The method without training data; None for a trained model."""
        return next((name for name in get_args(MethodName) if name == self.model), None)

    @property
    def intensity_rule(self) -> IntensityRule | None:
        """How grey values become 8 bit; None to choose by the data.

        Raises:
            MedCLIPSegError: window or preset cannot be used.
        """
        if self.window is not None:
            return window(*self.window)
        return preset(self.preset) if self.preset is not None else self.intensity
