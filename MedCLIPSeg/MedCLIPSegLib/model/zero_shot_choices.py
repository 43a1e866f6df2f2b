"""What the panel offers for segmentation without training data."""

from collections.abc import Iterable

from slicer.i18n import tr as _

from MedCLIPSegLogic.clip_sam.prompt_sets import PromptSets
from MedCLIPSegLogic.model.catalog import ModelDescription, describe_model, known_models

AUTOMATIC, NO_SAM, AS_PUBLISHED = "", "none", -1
PUBLISHED_TOWERS, BUNDLED_TOWERS = "biomedclip", "mini"
ANY_STUDY = AS_TYPED = NO_KIND = ""
METHODS = {"medclip-sam": "MedCLIP-SAM", "medclip-sam-v2": "MedCLIP-SAMv2"}
"""Titles of the methods by their names in `MedCLIPSegLogic.clip_sam.methods`, which needs packages that may not be
installed before the first run."""


def isZeroShot(model: str) -> bool:
    """Whether an entry of the model chooser is a method that needs no training data."""
    return model in METHODS


def methodTitle(name: str) -> str:
    """Of a method, for the model chooser."""
    return _("{method} zero-shot").format(method=METHODS[name])


def towersChoices() -> list[tuple[str, str]]:
    """(name, words) of the CLIP towers: those that are here and the published ones."""
    described = [describe_model(name) for name in known_models()]
    shown = [each for each in described if each.kind == "backbone" or (each.kind == "model" and each.on_disk)]
    return [(AUTOMATIC, _("Automatic")), *((each.name, labelOf(each)) for each in shown)]


def samChoices() -> list[tuple[str, str]]:
    """(name, words) of the SAMs: those that are here and the published ones."""
    shown = [each for each in map(describe_model, known_models()) if each.kind == "sam"]
    return [
        (AUTOMATIC, _("Automatic")),
        (NO_SAM, _("None: the coarse mask")),
        *((each.name, labelOf(each)) for each in shown),
    ]


def promptChoices() -> list[tuple[str, str]]:
    """(key, words) of the ways to tell SAM of an object."""
    return [(AUTOMATIC, _("As published")), ("box", _("Boxes")), ("points", _("Points")), ("both", _("Both"))]


def binarizationChoices() -> list[tuple[str, str]]:
    """(key, words) of the ways to cut a saliency map."""
    return [
        (AUTOMATIC, _("As published")),
        ("crf", _("Dense CRF")),
        ("otsu", _("Otsu's threshold")),
        ("two-means", _("2-means")),
    ]


def studyChoices(sets: PromptSets) -> list[tuple[str, str]]:
    """(name, words) of the kinds of study."""
    return [(ANY_STUDY, _("Any")), *((name, capitalized(name)) for name in sets.studies)]


def designChoices(hasKinds: bool) -> list[tuple[str, str]]:
    """(key, words) of the designs, those that speak of a kind only where there are kinds."""
    words = {
        AS_TYPED: _("As typed"),
        "P0": _("P0: name"),
        "P1": _("P1: name, kind"),
        "P2": _("P2: one"),
        "P3": _("P3: one, kind"),
        "P4": _("P4: several"),
        "P5": _("P5: several, kind"),
    }
    return [(key, text) for key, text in words.items() if hasKinds or not needsKind(key)]


def kindChoices(kinds: Iterable[str]) -> list[tuple[str, str]]:
    """(name, words) of the kinds of an object; the first one says that none is chosen yet."""
    return [(NO_KIND, _("Choose…")), *((name, capitalized(name)) for name in kinds)]


def needsKind(design: str) -> bool:
    """Whether a design speaks of one kind of the object, which is what a diagnosis would find out."""
    return design in ("P1", "P3", "P5")


def capitalized(name: str) -> str:
    """A name from a file as an entry of a list; abbreviations in it stay."""
    return name[:1].upper() + name[1:]


def labelOf(description: ModelDescription) -> str:
    """Title, and for a published model whether it has to be downloaded first."""
    if description.published is None or description.on_disk:
        return description.title
    return _("{title}, to download").format(title=description.title)
