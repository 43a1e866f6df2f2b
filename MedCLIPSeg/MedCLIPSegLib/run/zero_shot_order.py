"""What a run without training data is asked to do, by the panel or a script."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.model.zero_shot_choices import AS_PUBLISHED, AUTOMATIC, NO_SAM, binarizationChoices, promptChoices
from MedCLIPSegLogic.clip_sam.prompt_sets import DESIGNS, Design, load_prompt_sets
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import describe_model, known_models

if TYPE_CHECKING:
    from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
    from MedCLIPSegLogic.clip_sam.coarse import Binarization
    from MedCLIPSegLogic.clip_sam.object_prompts import PromptKind
    from MedCLIPSegLogic.clip_sam.request import ZeroShotRequest


@dataclass(frozen=True)
class ZeroShotChoices:
    """Settings of a method without training data; what is None is as published with the method.

    Args:
        method: "medclip-sam" or "medclip-sam-v2".
        towers: name or folder of CLIP towers; None takes biomedclip if it is here, else mini.
        sam: name or folder of a SAM; "none" for the coarse mask; None takes the published one, else any that is here,
            else the coarse mask.
        objectPrompts: how SAM is told of an object: "box", "points" or "both".
        padding: share of its size by which an object's box grows on each side, 0…1.
        points: how many points an object gets, 1…1000.
        binarization: how the saliency is cut: "crf", "otsu" or "two-means".
        confidence: least mean saliency of an object, 0…1 exclusive.
        objects: how many objects a slice has at most, 1…1000.
        study: kind of study, such as "brain MRI", for settings and sentences that go with it; None for the default.
        design: which sentences of the study, "P0" to "P5", stand for the prompt, which then only names the segment;
            None for the prompt itself.
        kind: of the object, such as "glioma", for the designs that need one.

    Raises:
        MedCLIPSegError: there is no such way to cut or to tell SAM, or no such design or study.
    """

    method: str
    towers: str | None = None
    sam: str | None = None
    objectPrompts: "PromptKind | None" = None
    padding: float | None = None
    points: int | None = None
    binarization: "Binarization | None" = None
    confidence: float | None = None
    objects: int | None = None
    study: str | None = None
    design: Design | None = None
    kind: str | None = None

    def __post_init__(self) -> None:
        for name, known in (
            ("objectPrompts", [key for key, _words in promptChoices() if key]),
            ("binarization", [key for key, _words in binarizationChoices() if key]),
            ("study", list(load_prompt_sets().studies)),
            ("design", list(DESIGNS)),
        ):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise MedCLIPSegError(
                    _("The setting “{name}” is “{value}”; choose one of {known}.").format(
                        name=name, value=value, known=", ".join(known)
                    )
                )
        if self.design is not None and self.study is None:
            raise MedCLIPSegError(
                _("The prompt design {design} is that of a kind of study; choose that too.").format(design=self.design)
            )

    @classmethod
    def named(cls, method: str, settings: dict[str, Any]) -> "ZeroShotChoices":
        """Settings by their names, as a script gives them.

        Raises:
            MedCLIPSegError: there is no setting of that name.
        """
        known = [field.name for field in fields(cls) if field.name != "method"]
        unknown = next((name for name in settings if name not in known), None)
        if unknown is not None:
            raise MedCLIPSegError(
                _("Zero-shot methods have no setting “{name}”; there are {known}.").format(
                    name=unknown, known=", ".join(known)
                )
            )
        return cls(method, **settings)

    @classmethod
    def ofPanel(cls, parameters: "MedCLIPSegParameterNode") -> "ZeroShotChoices":
        """The panel's choices."""
        percent = parameters.zeroShotConfidence
        return cls(
            parameters.model,
            towers=parameters.zeroShotTowers or None,
            sam=parameters.zeroShotSam or None,
            objectPrompts=parameters.zeroShotPrompts or None,
            padding=parameters.zeroShotPadding / 100,
            points=parameters.zeroShotPoints,
            binarization=parameters.zeroShotBinarization or None,
            confidence=None if percent == AS_PUBLISHED else percent / 100,
            objects=parameters.zeroShotObjects or None,
            study=parameters.zeroShotStudy or None,
            design=parameters.zeroShotDesign or None,
            kind=parameters.zeroShotKind or None,
        )

    def sentences(self, prompts: Sequence[str]) -> dict[str, list[str]]:
        """What stands for the prompts by the design; empty when they stand for themselves.

        Raises:
            MedCLIPSegError: there are several prompts, or the design needs another kind.
        """
        if self.design is None or self.study is None:
            return {}
        if len(prompts) != 1:
            raise MedCLIPSegError(
                _(
                    "The prompt design {design} speaks of one thing; segment one prompt alone, or go back to the "
                    "prompts as typed."
                ).format(design=self.design)
            )
        return {prompts[0]: load_prompt_sets().sentences(self.design, self.study, self.kind)}


@dataclass(frozen=True)
class ZeroShotModels:
    """What a run is made with.

    Args:
        method: "medclip-sam" or "medclip-sam-v2".
        towers: CLIP towers; None takes biomedclip if it is here, else mini.
        sam: name of a SAM that is here; "none" for the coarse mask.
        study: kind of study, or None.
        sentences: what stands for a prompt in place of itself.
    """

    method: str
    towers: str | None
    sam: str
    study: str | None
    sentences: dict[str, list[str]]


def zeroShotModels(choices: ZeroShotChoices, prompts: Sequence[str]) -> ZeroShotModels:
    """The models of some choices.

    Raises:
        MedCLIPSegError: one is not on this computer, or the prompts do not go with the design.
    """
    from MedCLIPSegLogic.clip_sam.methods import METHODS

    sam = choices.sam
    if sam is None:
        described = [describe_model(name) for name in known_models()]
        here = [each.name for each in described if each.kind == "sam" and each.on_disk]
        published = METHODS[choices.method].sam
        sam = published if published in here else next(iter(here), NO_SAM)
    for name in (choices.towers or AUTOMATIC, sam):
        if name not in (AUTOMATIC, NO_SAM) and not describe_model(name).on_disk:
            raise MedCLIPSegError(
                _("{title} is not on this computer: press Download model… in Model, or choose another one.").format(
                    title=describe_model(name).title
                )
            )
    return ZeroShotModels(choices.method, choices.towers, sam, choices.study, choices.sentences(prompts))


def zeroShotRequest(choices: ZeroShotChoices, common: dict[str, Any]) -> "ZeroShotRequest":
    """The choices beside those that all runs have.

    Raises:
        MedCLIPSegError: a choice is out of range.
    """
    from MedCLIPSegLogic.clip_sam.choices import changed_rule
    from MedCLIPSegLogic.clip_sam.methods import METHODS
    from MedCLIPSegLogic.clip_sam.request import ZeroShotRequest

    method = METHODS[choices.method]
    return ZeroShotRequest(
        **common,
        binarization=choices.binarization or method.binarization,
        components=changed_rule(method.components, confidence=choices.confidence, most=choices.objects),
        pointing=changed_rule(
            method.pointing, kind=choices.objectPrompts, padding=choices.padding, points=choices.points
        ),
        keep_largest=method.keep_largest,
    )
