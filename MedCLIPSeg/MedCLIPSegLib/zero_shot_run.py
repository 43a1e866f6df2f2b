"""A run without training data: what the panel asks for, and the engine's work on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from MedCLIPSegLib.zero_shot_choices import AS_PUBLISHED, AUTOMATIC, NO_SAM
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import describe_model, known_models

if TYPE_CHECKING:
    from MedCLIPSegLib.parameter_node import MedCLIPSegParameterNode
    from MedCLIPSegLogic.zeroshot.engine import Saliency
    from MedCLIPSegLogic.zeroshot.request import ZeroShotRequest
    from MedCLIPSegLogic.zeroshot.sam import Segmenter


@dataclass(frozen=True)
class ZeroShotModels:
    """What a run is made with.

    Args:
        method: "medclip-sam" or "medclip-sam-v2".
        towers: CLIP towers; None takes biomedclip if it is here, else mini.
        sam: name of a SAM that is here; "none" for the coarse mask.
    """

    method: str
    towers: str | None
    sam: str


def zeroShotModels(parameters: "MedCLIPSegParameterNode") -> ZeroShotModels:
    """The models of the panel's choices.

    Raises:
        MedCLIPSegError: one is not on this computer.
    """
    from MedCLIPSegLogic.zeroshot.methods import METHODS

    sam = parameters.zeroShotSam
    if sam == AUTOMATIC:
        described = [describe_model(name) for name in known_models()]
        here = [each.name for each in described if each.kind == "sam" and each.on_disk]
        published = METHODS[parameters.model].sam
        sam = published if published in here else next(iter(here), NO_SAM)
    for name in (parameters.zeroShotTowers, sam):
        if name not in (AUTOMATIC, NO_SAM) and not describe_model(name).on_disk:
            raise MedCLIPSegError(
                _("{title} is not on this computer: press Download model… in Model, or choose another one.").format(
                    title=describe_model(name).title
                )
            )
    return ZeroShotModels(parameters.model, parameters.zeroShotTowers or None, sam)


def zeroShotRequest(parameters: "MedCLIPSegParameterNode", common: dict[str, Any]) -> "ZeroShotRequest":
    """The panel's choices beside those that all runs have.

    Raises:
        MedCLIPSegError: a choice is out of range.
    """
    from MedCLIPSegLogic.workflows.zeroshot import changed_rule
    from MedCLIPSegLogic.zeroshot.methods import METHODS
    from MedCLIPSegLogic.zeroshot.request import ZeroShotRequest

    method, percent = METHODS[parameters.model], parameters.zeroShotConfidence
    confidence = None if percent == AS_PUBLISHED else percent / 100
    return ZeroShotRequest(
        **common,
        binarization=parameters.zeroShotBinarization or method.binarization,
        components=changed_rule(method.components, confidence=confidence),
        pointing=changed_rule(method.pointing, kind=parameters.zeroShotPrompts or None),
        keep_largest=method.keep_largest,
    )


class ZeroShotSteps:
    """Loads towers and SAM when they are first needed and runs them; keeps the last ones for the next run."""

    def __init__(self) -> None:
        self._saliency: tuple[Saliency, dict[str, Any]] | None = None
        self._segmenter: Segmenter | None = None
        self._loaded: tuple[Any, ...] = ()

    def __call__(self, models: ZeroShotModels, request: "ZeroShotRequest") -> Iterator[Any]:
        """Yield the engine's events: previews, progress, then the result."""
        from MedCLIPSegLogic.workflows.zeroshot import choose_segmenter, load_saliency
        from MedCLIPSegLogic.zeroshot.engine import run
        from MedCLIPSegLogic.zeroshot.methods import METHODS

        method = METHODS[models.method]
        wanted = (models, request.device, request.seed)
        if self._saliency is None or self._loaded != wanted:
            self.forget()
            self._saliency = load_saliency(method, models.towers, request.device, request.seed)
            self._segmenter = choose_segmenter(models.sam, method)
            self._loaded = wanted
        saliency, settings = self._saliency
        record = {"method": models.method, "citation": method.citation, **settings}
        yield from run(saliency, self._segmenter, request, record, previews=True)

    def forget(self) -> None:
        """Give the memory back."""
        self._saliency, self._segmenter, self._loaded = None, None, ()
